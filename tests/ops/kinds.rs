//! What is a listener.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Listener, Signal,
    listener::{self, AsyncListener, DynAsyncListener},
};

/// Far more than it takes.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn everything_that_is_a_listener_is_taken() {
    struct Both(mpsc::Sender<&'static str>, &'static str);

    impl Listener for Both {
        fn on_signal(&self, _: &Signal) {
            let _ = self.0.send(self.1);
        }
    }

    struct Later(mpsc::Sender<&'static str>, &'static str);

    impl AsyncListener for Later {
        async fn on_signal(&self, _: &Signal) {
            let _ = self.0.send(self.1);
        }
    }

    fn function(_: &Signal) {}

    async fn async_function(_: Signal) {}

    let (sender, told) = mpsc::channel();
    let to = || sender.clone();
    let (sync_closure, async_block, async_closure) = (to(), to(), to());
    let shared: Arc<dyn Listener> = Arc::new(Both(to(), "Arc<dyn Listener>"));
    let boxed: Box<dyn Listener> = Box::new(Both(to(), "Box<dyn Listener>"));
    let shared_later: Arc<dyn DynAsyncListener> = Arc::new(Later(to(), "Arc<dyn Async>"));
    let boxed_later: Box<dyn DynAsyncListener> = Box::new(Later(to(), "Box<dyn Async>"));
    let breaker = CircuitBreaker::builder("all_kinds")
        .listener(Both(to(), "Listener"))
        .listener(Arc::new(Both(to(), "Arc<Listener>")))
        .listener(shared)
        .listener(boxed)
        .listener(move |_: &Signal| sync_closure.send("closure").unwrap())
        .listener(function)
        .listener(Later(to(), "Async"))
        .listener(Arc::new(Later(to(), "Arc<Async>")))
        .listener(shared_later)
        .listener(boxed_later)
        .listener(move |_: Signal| {
            let sender = async_block.clone();
            async move { sender.send("async block").unwrap() }
        })
        .listener({
            let sender = async_closure;
            let sender: &'static _ = Box::leak(Box::new(sender));
            async move |_: Signal| sender.send("async closure").unwrap()
        })
        .listener(async_function)
        .build()
        .unwrap();
    breaker.disable();
    assert!(listener::flush(SOON));
    let mut names: Vec<_> = told.try_iter().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Arc<Async>",
            "Arc<Listener>",
            "Arc<dyn Async>",
            "Arc<dyn Listener>",
            "Async",
            "Box<dyn Async>",
            "Box<dyn Listener>",
            "Listener",
            "async block",
            "async closure",
            "closure",
        ]
    );
}
