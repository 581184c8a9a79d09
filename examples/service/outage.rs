//! The dependencies, and how to make them fail.

use std::{io, sync::Arc};

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use fluxgate_examples::{Mood, Service};

use crate::Shop;

/// Three services on loopback.
pub(crate) struct Dependencies {
    pub(crate) quotes: Service,
    pub(crate) payments: Service,
    pub(crate) warehouse: Service,
}

impl Dependencies {
    pub(crate) async fn start() -> io::Result<Self> {
        Ok(Self {
            quotes: Service::start().await?,
            payments: Service::start().await?,
            warehouse: Service::start().await?,
        })
    }
}

/// Lets one of them fail, be slow, or work again.
pub(crate) async fn set(
    State(shop): State<Arc<Shop>>,
    Path((dependency, mood)): Path<(String, String)>,
) -> Result<(), StatusCode> {
    let service = match dependency.as_str() {
        "quotes" => &shop.dependencies.quotes,
        "payments" => &shop.dependencies.payments,
        "warehouse" => &shop.dependencies.warehouse,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    service.set(match mood.as_str() {
        "works" => Mood::Works,
        "fails" => Mood::Fails,
        "is_slow" => Mood::IsSlow,
        _ => return Err(StatusCode::NOT_FOUND),
    });
    Ok(())
}
