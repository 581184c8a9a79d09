use fluxgate::circuit_breaker;

#[circuit_breaker(listeners = [#[cfg(test)] LogListener])]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
