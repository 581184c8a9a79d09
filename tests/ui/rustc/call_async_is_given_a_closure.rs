use fluxgate::CircuitBreaker;

async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {
    let breaker = CircuitBreaker::builder("quotes").build().unwrap();
    let _ = breaker.try_call_async(|| quote());
}
