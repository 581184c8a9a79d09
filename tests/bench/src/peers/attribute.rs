//! The attribute, beside the same calls by hand.

use std::future::Future;

use fluxgate::circuit_breaker;

use crate::{
    peer::{self, AsyncPeer, Peer},
    service::{ApiError, Traffic, fetch, fetch_async},
    suite::{Case, Role, Subject, Suite},
};

pub const SUBJECT: Subject = Subject::new("fluxgate, the attribute", Role::Ours);

/// An annotated function has one breaker: a function for each case.
macro_rules! annotated {
    ($($name:ident)*) => {$(
        #[derive(Clone, Copy)]
        struct $name;

        impl Peer for $name {
            type Error = ApiError;

            #[inline]
            fn get(&mut self, request: u64) -> Result<u64, ApiError> {
                #[circuit_breaker(retry = "Cooldown(24h)")]
                #[inline]
                fn annotated(request: u64) -> Result<u64, ApiError> {
                    fetch(request)
                }
                annotated(request)
            }

            fn is_rejection(error: &ApiError) -> bool {
                matches!(error, ApiError::Unavailable { .. })
            }
        }
    )*};
}

annotated!(Healthy HealthyPair Mixed MixedPair Open OpenPair);

#[derive(Clone, Copy)]
struct Async;

#[circuit_breaker(retry = "Cooldown(24h)")]
async fn annotated(request: u64) -> Result<u64, ApiError> {
    fetch_async(request).await
}

impl AsyncPeer for Async {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, ApiError>> {
        annotated(request)
    }

    fn is_rejection(error: &ApiError) -> bool {
        matches!(error, ApiError::Unavailable { .. })
    }
}

pub fn add(suite: &mut Suite) {
    let healthy = Traffic::Healthy;
    let mixed = Traffic::OneInFourFails;
    suite
        .add(Case::Healthy, SUBJECT, move || {
            peer::closed(Healthy, healthy)
        })
        .add(Case::HealthyPair, SUBJECT, move || {
            peer::closed(HealthyPair, healthy)
        })
        .add(Case::Mixed, SUBJECT, move || peer::closed(Mixed, mixed))
        .add(Case::MixedPair, SUBJECT, move || {
            peer::closed(MixedPair, mixed)
        })
        .add(Case::Open, SUBJECT, || peer::open(Open))
        .add(Case::OpenPair, SUBJECT, || peer::open(OpenPair))
        .asynchronous(SUBJECT, || Async);
}
