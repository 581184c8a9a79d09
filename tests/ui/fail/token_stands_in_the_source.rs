use fluxgate::circuit_breaker;

#[circuit_breaker(
    listeners = [SlackListener(channel = "C024BE91L", token = "xoxb-not-a-real-token")],
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
