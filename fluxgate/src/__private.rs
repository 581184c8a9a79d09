//! What generated code calls. Not part of the public interface.
