//! The room `projection`.
