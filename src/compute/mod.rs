//! The room `compute`.
