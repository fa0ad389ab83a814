//! The checks that the model itself asks for.
