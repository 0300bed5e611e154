//! The examples are the files beside the folder of this one. The library holds nothing but the code
//! of the book, run as documentation tests.

#[cfg(doctest)]
mod book;
