//! The framing of event streams.
