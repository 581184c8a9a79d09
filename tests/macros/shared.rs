//! `breaker = …` takes any expression that is a breaker, or refers to one.

use std::{collections::HashMap, io, sync::Arc};

use fluxgate::{CircuitBreaker, circuit_breaker};

#[circuit_breaker(breaker = *breaker)]
async fn dereferenced(breaker: &CircuitBreaker) -> io::Result<()> {
    Ok(())
}

#[rustfmt::skip]
#[circuit_breaker(breaker = (breaker))]
fn in_parentheses(breaker: CircuitBreaker) -> io::Result<()> {
    Ok(())
}

#[circuit_breaker(breaker = breakers[index])]
fn indexed(breakers: &[CircuitBreaker], index: usize) -> io::Result<()> {
    Ok(())
}

#[circuit_breaker(breaker = breakers["name"])]
async fn looked_up(breakers: &HashMap<&str, CircuitBreaker>) -> io::Result<()> {
    Ok(())
}

#[circuit_breaker(breaker = breaker)]
fn behind_a_pointer(breaker: Arc<CircuitBreaker>) -> io::Result<()> {
    Ok(())
}

struct Client {
    breaker: CircuitBreaker,
}

impl Client {
    fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    #[circuit_breaker(breaker = self.breaker)]
    fn field(&self) -> io::Result<()> {
        Ok(())
    }

    #[circuit_breaker(breaker = self.breaker())]
    async fn getter(&self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn any_expression_that_is_a_breaker() {
    let _time = fluxgate::testing::freeze();
    let breaker = CircuitBreaker::builder("expressions").build().unwrap();
    dereferenced(&breaker).await.unwrap();
    in_parentheses(breaker.clone()).unwrap();
    indexed(&[breaker.clone(), breaker.clone()], 1).unwrap();
    looked_up(&HashMap::from([("name", breaker.clone())]))
        .await
        .unwrap();
    behind_a_pointer(Arc::new(breaker.clone())).unwrap();
    let client = Client {
        breaker: breaker.clone(),
    };
    client.field().unwrap();
    client.getter().await.unwrap();
    assert_eq!(breaker.info().metrics.total_count, 7);
}
