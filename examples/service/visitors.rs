//! Visitors, and outages of what they ask for: so that the page has something to show.

use std::{sync::Arc, time::Duration};

use fluxgate_examples::{Mood, Service};
use tokio::time::{interval, sleep};

use crate::{Shop, outage::Dependencies};

/// Asks for everything, a few times a second, for ever.
pub(crate) async fn come(shop: Arc<Shop>) {
    let mut turns = interval(Duration::from_millis(100));
    loop {
        turns.tick().await;
        let visited = Arc::clone(&shop);
        tokio::spawn(async move {
            // How it ends is on the page.
            let _ = visited.quotes.price().await;
            let _ = visited.payments.charge().await;
        });
        let visited = Arc::clone(&shop);
        tokio::task::spawn_blocking(move || visited.warehouse.stock());
    }
}

/// Lets one dependency after the other have an outage and come back.
pub(crate) async fn outages(shop: Arc<Shop>) {
    let Dependencies {
        quotes,
        payments,
        warehouse,
    } = &shop.dependencies;
    loop {
        for (dependency, name, mood) in [
            (quotes, "quotes", Mood::Fails),
            (payments, "payments", Mood::Fails),
            (quotes, "quotes", Mood::IsSlow),
            (warehouse, "warehouse", Mood::Fails),
        ] {
            outage(dependency, name, mood).await;
        }
    }
}

async fn outage(dependency: &Service, name: &str, mood: Mood) {
    sleep(Duration::from_secs(5)).await;
    tracing::info!("the service behind {name} has an outage: {mood:?}");
    dependency.set(mood);
    sleep(Duration::from_secs(10)).await;
    tracing::info!("the service behind {name} works again");
    dependency.set(Mood::Works);
    sleep(Duration::from_secs(10)).await;
}
