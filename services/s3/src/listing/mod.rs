//! Pages of lists: prefixes, delimiters, markers. The cost of a page grows with what is on it, not with what it passes
//! over: behind a common prefix the walk goes on by a new search, not row by row.

mod encoding;
mod page;
mod rows;

pub use encoding::Encoding;
pub use page::{Asked, Entry, Page, page};
pub use rows::{ObjectRow, Objects, Row, Rows, Start, Versions};
