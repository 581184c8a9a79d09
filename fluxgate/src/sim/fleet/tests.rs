//! Fleets in bad networks.
