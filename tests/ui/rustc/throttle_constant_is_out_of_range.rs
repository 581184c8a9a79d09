use std::time::Duration;

use fluxgate::circuit_breaker;

const K: f64 = 1.05;
const WINDOW: Duration = Duration::from_secs(600);

#[circuit_breaker(throttle = Adaptive(K, window = WINDOW))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
