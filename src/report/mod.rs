//! To be written: `report`.
