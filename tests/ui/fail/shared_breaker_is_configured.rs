use fluxgate::circuit_breaker;

fluxgate::breaker! { static SHARED; }

#[circuit_breaker(breaker = SHARED, retry = Always)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
