use fluxgate::circuit_breaker;

#[circuit_breaker(tripper =)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fluxgate::breaker! {
    static SHARED = { retry = };
}

// One error each above, and none here.
fn main() {
    let _ = quote();
    SHARED.reset();
}
