//! slack-proxy: takes messages for Slack and delivers them in the background.
//!
//! See the README beside this file.

mod proxy;

use std::{future::Future, io, process::ExitCode};

use proxy::Proxy;
use tokio::signal::ctrl_c;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let config = match proxy::parse(std::env::args_os(), |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => error.exit(),
    };
    match serve(config).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: proxy::Config) -> io::Result<usize> {
    let stop = stop()?;
    let proxy = Proxy::bind(config).await?;
    let (application, metrics) = proxy.addresses()?;
    tracing::info!(%application, %metrics, "up and running");
    Ok(proxy.run(stop).await)
}

/// Ends at SIGINT or SIGTERM; the second of them ends the process.
fn stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = signal(SignalKind::terminate())?;
    let mut next = async move || {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<()>();
        tokio::select! {
            _ = ctrl_c() => {}
            _ = terminated => {}
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            next().await;
            tracing::error!("asked to end twice: what is queued is lost");
            std::process::exit(1);
        });
    })
}
