//! Breakers as operators meet them: of a few services, in every state.

use std::{io, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker, Command, Name,
    keyed::CircuitBreakers,
    listener::PrometheusListener,
    permit,
    retry::{Backoff, Cooldown},
    tracker::All,
    tripper::{FailureRate, FailureStreak, MinRequests, SlowRate},
    window::{CountWindow, TimeWindow},
};

/// Breakers that live as long as this.
pub(crate) struct Scene {
    pub(crate) breakers: Vec<CircuitBreaker>,
    _sets: Vec<CircuitBreakers<String>>,
    turn: usize,
}

const THREE: [&str; 3] = ["payments", "quotes", "warehouse"];

const SERVICES: [&str; 24] = [
    "auth::sessions",
    "auth::tokens",
    "billing::invoices",
    "billing::ledger",
    "cart::reserve",
    "catalog::prices",
    "catalog::search",
    "email::send",
    "fraud::score",
    "geo::resolve",
    "images::resize",
    "inventory::stock",
    "mail::templates",
    "orders::create",
    "orders::history",
    "payments::charge",
    "payments::refund",
    "pdf::render",
    "quotes::exchange",
    "recommendations::related",
    "reviews::list",
    "shipping::label",
    "shipping::track",
    "tax::rates",
];

fn builder(name: &str) -> Builder {
    CircuitBreaker::builder(Name::from(name.to_owned()))
        .window(CountWindow::new(50))
        .tripper(MinRequests::new(10) & FailureRate::new(0.5))
        .retry(Cooldown::new(Duration::from_secs(30)))
        .permit(permit::All)
        .max_half_open_calls(3)
        .listener(PrometheusListener::with_registry(
            prometheus::Registry::new(),
        ))
}

impl Scene {
    pub(crate) fn empty() -> Self {
        Self {
            breakers: Vec::new(),
            _sets: Vec::new(),
            turn: 0,
        }
    }

    /// Three breakers: one that is open, one that fails now and then, one that is well.
    pub(crate) fn of_three() -> Self {
        let payments = builder(THREE[0])
            .tripper(FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5))
            .retry(Backoff::new(Duration::from_secs(45)));
        let quotes = builder(THREE[1]).tripper(
            MinRequests::new(20)
                & (FailureRate::new(0.5) | SlowRate::new(0.3, Duration::from_millis(500))),
        );
        let warehouse = builder(THREE[2]).window(TimeWindow::new(Duration::from_secs(60)));
        let breakers = [payments, quotes, warehouse].map(|builder| builder.build().unwrap());
        Self {
            breakers: breakers.into(),
            ..Self::empty()
        }
    }

    /// Breakers of many services, and of the tenants of one.
    pub(crate) fn of_thirty() -> Self {
        let breakers = SERVICES.map(|name| builder(name).build().unwrap());
        let tenants = CircuitBreakers::<String>::builder("tenants::sync").build();
        let tenants = tenants.unwrap();
        let keys = ["acme", "globex", "initech", "soylent", "umbrella", "wonka"];
        let mut breakers = Vec::from(breakers);
        breakers.extend(keys.map(|key| tenants.get(key)));
        Self {
            breakers,
            _sets: vec![tenants],
            turn: 0,
        }
    }

    pub(crate) fn of_many(count: usize) -> Self {
        let name = |i: usize| format!("{}#{}", SERVICES[i % SERVICES.len()], i / SERVICES.len());
        let breakers = (0..count).map(|i| builder(&name(i)).build().unwrap());
        Self {
            breakers: breakers.collect(),
            ..Self::empty()
        }
    }

    pub(crate) fn named(&self, name: &str) -> &CircuitBreaker {
        let mut breakers = self.breakers.iter();
        let found = breakers.find(|breaker| breaker.name().as_str() == name);
        found.expect(name)
    }

    /// Makes a few calls with every breaker. Those whose number leaves `ill` fail often.
    pub(crate) fn calls(&mut self, ill: impl Fn(usize) -> f64) {
        self.turn += 1;
        for (i, breaker) in self.breakers.iter().enumerate() {
            let share = ill(i);
            let busy = 3 + (i * 7 + i / 5) % 23;
            for call in 0..busy {
                // Spread evenly, and the same in each run.
                let drawn = (self.turn * 37 + call * 61 + i * 13) % 100;
                let fails = (drawn as f64) < share * 100.0;
                let error = ERRORS[(call + i) % ERRORS.len()];
                let protected = breaker.with_tracker(All).failure_texts();
                let _ = protected.try_call(|| {
                    if fails {
                        Err(io::Error::other(error))
                    } else {
                        Ok(())
                    }
                });
            }
        }
    }

    /// Commands some of them, so that every state is there.
    pub(crate) fn command_some(&self) {
        for (name, command) in [
            ("email::send", Command::ForceOpen),
            ("images::resize", Command::Disable),
            ("fraud::score", Command::MetricsOnly),
            ("shipping::track", Command::HalfOpen),
        ] {
            self.named(name).command_by(command, "alice");
        }
    }
}

const ERRORS: [&str; 3] = [
    "connection refused (os error 111)",
    "503 Service Unavailable",
    "timed out after 2 s",
];
