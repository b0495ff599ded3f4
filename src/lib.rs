//! Spherescope shows what a vision encoder learned: its features on the unit hypersphere, with
//! alignment and uniformity measured.
//!
//! The crate is a house of rooms, and data flows through them in one direction; `README.md` holds
//! the map. A room uses only rooms above it in this list.

pub mod progress;

pub mod geometry;

pub mod data;

pub mod models;

pub mod checkpoint;

pub mod compute;

pub mod features;

pub mod measure;

pub mod projection;

pub mod analysis;

pub mod dense;

pub mod objectives;

pub mod training;

pub mod landscape;

pub mod correlation;

pub mod lab;

pub mod render;

pub mod ui;

pub mod app;

pub mod cli;
