//! Reading and writing CBOR bodies.
