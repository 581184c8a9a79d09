use fluxgate::circuit_breaker;

#[circuit_breaker(tracker = Custom(|error: &std::fmt::Error| error.to_string().is_empty()))]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
