//! The room `features`.
