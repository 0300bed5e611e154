//! The examples are the files beside this folder. This library holds only the code of the book,
//! which is run as documentation tests.

#[cfg(doctest)]
mod book;
