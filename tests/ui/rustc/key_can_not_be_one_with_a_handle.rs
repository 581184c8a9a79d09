use fluxgate::circuit_breaker;

#[derive(Clone, PartialEq)]
struct Tenant(String);

#[circuit_breaker(key = tenant, handle = breakers)]
fn quote(tenant: Tenant) -> std::io::Result<usize> {
    Ok(tenant.0.len())
}

fn main() {}
