//! recloser: a ring of the last 100 outcomes behind an epoch pin and a spin lock.

use std::{future::Future, sync::Arc};

use recloser::{AsyncRecloser, Error, Recloser};

use super::WAIT;
use crate::{
    peer::{AsyncPeer, Peer},
    service::{ApiError, fetch, fetch_async},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("recloser 1.4.0", Role::ExactPeer);

#[derive(Clone)]
struct Sync(Arc<Recloser>);

#[derive(Clone)]
struct Async(AsyncRecloser);

impl Peer for Sync {
    type Error = Error<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        self.0.call(|| fetch(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

impl AsyncPeer for Async {
    type Error = Error<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, Self::Error>> {
        self.0.call(fetch_async(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

/// With another window than 100 calls.
pub fn with_window(size: usize) -> impl Peer {
    Sync(Arc::new(recloser(size)))
}

pub fn asynchronous() -> AsyncRecloser {
    recloser(100).into()
}

fn recloser(window: usize) -> Recloser {
    Recloser::custom()
        .closed_len(window)
        .error_rate(0.5)
        .open_wait(WAIT)
        .build()
}

pub fn add(suite: &mut Suite) {
    suite
        .sync(SUBJECT, || Sync(Arc::new(recloser(100))))
        .asynchronous(SUBJECT, || Async(asynchronous()));
}
