//! What `wire.rs` says about its types in one line each.

/// Makes a generated structure [`Typed`](crate::Typed): `structure!(Type, "Shape", 0 => field, …)`, by the members' indices
/// in the model. Members that are not listed (streams) are left out.
#[macro_export]
macro_rules! structure {
    ($type:ident, $shape:literal $(, $index:literal => $field:ident)* $(,)?) => {
        impl $crate::FromValue for $type {
            fn from_value(value: $crate::Value) -> ::std::result::Result<Self, $crate::Mismatch> {
                #[allow(unused_mut, reason = "a structure may have no members")]
                let mut out = <$type as ::std::default::Default>::default();
                for (index, value) in $crate::fields(value, $shape)? {
                    match index {
                        $($index => out.$field = ::std::option::Option::Some($crate::FromValue::from_value(value)?),)*
                        _ => ::std::mem::drop(value),
                    }
                }
                ::std::result::Result::Ok(out)
            }
        }

        impl $crate::IntoValue for $type {
            fn into_value(self, shape: $crate::ShapeRef) -> $crate::Value {
                #[allow(unused_mut, reason = "a structure may have no members")]
                let mut out = $crate::StructValue::new(shape);
                $($crate::put(&mut out, $index, self.$field);)*
                $crate::Value::Struct(out)
            }
        }

        impl $crate::Typed for $type {
            const SHAPE: &'static str = $shape;
        }
    };
}

/// Makes a generated union [`Typed`](crate::Typed): `union!(Type, "Shape", 0 => Variant, …)`. The type has a variant
/// `Unknown` beside those listed, which stands for no member or one that is not listed.
#[macro_export]
macro_rules! union {
    ($type:ident, $shape:literal $(, $index:literal => $variant:ident)* $(,)?) => {
        impl $crate::FromValue for $type {
            fn from_value(value: $crate::Value) -> ::std::result::Result<Self, $crate::Mismatch> {
                ::std::result::Result::Ok(match $crate::fields(value, $shape)?.into_iter().next() {
                    $(::std::option::Option::Some(($index, value)) => {
                        $type::$variant($crate::FromValue::from_value(value)?)
                    })*
                    _ => $type::Unknown,
                })
            }
        }

        impl $crate::IntoValue for $type {
            fn into_value(self, shape: $crate::ShapeRef) -> $crate::Value {
                let mut out = $crate::StructValue::new(shape);
                match self {
                    $($type::$variant(inner) => $crate::put(&mut out, $index, ::std::option::Option::Some(inner)),)*
                    $type::Unknown => {}
                }
                $crate::Value::Struct(out)
            }
        }

        impl $crate::Typed for $type {
            const SHAPE: &'static str = $shape;
        }
    };
}
