//! Reading and writing JSON bodies.
