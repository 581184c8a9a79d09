//! What a result says about the dependency: the classes, the errors that know
//! theirs, foreign errors, bodies and gRPC.

mod bodies;
mod classes;
mod derived;
mod foreign;
mod grpc;
mod half_open;
mod rejections;
mod statuses;
