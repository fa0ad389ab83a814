//! Reading and writing XML bodies.
