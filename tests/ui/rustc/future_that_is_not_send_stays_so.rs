use fluxgate::circuit_breaker;

#[circuit_breaker]
async fn quote(rc: std::rc::Rc<u32>) -> std::io::Result<u32> {
    std::future::ready(()).await;
    Ok(*rc)
}

fn send<T: Send>(_: T) {}

fn check() {
    send(quote(std::rc::Rc::new(1)));
}

fn main() {}
