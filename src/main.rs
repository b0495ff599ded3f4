//! Starts Spherescope: arguments, logger, and then the command line's or the window's room.

fn main() {}
