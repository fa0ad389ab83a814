//! A bucket's configurations as rows: the model's structures, kept as JSON.

use crate::state::CONFIGURATIONS;
use crate::wire::MODEL;
use virga_base::AwsError;
use virga_service::{ReadTx, StoreError, Tx};
use virga_shape::{Typed, Value, pack};

/// A configuration as the model has it; none where there is none.
pub fn get<T: Typed>(tx: &ReadTx<'_>, bucket: u64, kind: &str, id: &str) -> Result<Option<T>, StoreError> {
    let row = tx.get(&CONFIGURATIONS, (bucket, kind, id))?;
    Ok(row.and_then(|bytes| read(&bytes)))
}

pub fn put<T: Typed>(tx: &mut Tx<'_>, bucket: u64, kind: &str, id: &str, value: T) -> Result<(), AwsError> {
    let bytes = write(value).ok_or_else(|| AwsError::internal("a configuration has no shape"))?;
    Ok(tx.put(&CONFIGURATIONS, (bucket, kind, id), &bytes)?)
}

pub fn delete(tx: &mut Tx<'_>, bucket: u64, kind: &str, id: &str) -> Result<(), StoreError> {
    tx.delete(&CONFIGURATIONS, (bucket, kind, id))
}

/// Reads what [`write`] wrote.
pub fn read<T: Typed>(bytes: &[u8]) -> Option<T> {
    read_of(MODEL, bytes)
}

/// A structure as JSON, in the model's names.
pub fn write<T: Typed>(value: T) -> Option<Vec<u8>> {
    write_of(MODEL, value)
}

/// [`read`] for structures of another model.
pub fn read_of<T: Typed>(model: &str, bytes: &[u8]) -> Option<T> {
    let shape = pack::service(model)?.shape_named(T::SHAPE)?;
    let json = serde_json::from_slice(bytes).ok()?;
    T::from_value(Value::from_json(shape, &json).ok()?).ok()
}

/// [`write`] for structures of another model.
pub fn write_of<T: Typed>(model: &str, value: T) -> Option<Vec<u8>> {
    let shape = pack::service(model)?.shape_named(T::SHAPE)?;
    serde_json::to_vec(&value.into_value(shape).to_json()).ok()
}
