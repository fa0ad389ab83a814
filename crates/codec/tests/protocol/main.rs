//! Every protocol from outside: the conformance cases, random values, damaged messages.

mod cases;
mod damage;
mod json;
mod xml;
