//! The room `checkpoint`.
