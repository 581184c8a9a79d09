use fluxgate::circuit_breaker;

#[circuit_breaker(key = shard, key_type = String)]
fn quote(shard: u32) -> std::io::Result<u32> {
    Ok(shard)
}

fn main() {}
