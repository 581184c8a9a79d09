//! Choosing among the keys of a set.

use std::{borrow::Borrow, fmt, hash::Hash, time::Duration};

use super::{
    Failover, FailoverError, Picked,
    claim::Claim,
    pick_from,
    source::{EarlyClaim, Source},
};
use crate::{
    CircuitBreaker, Name,
    keyed::{CircuitBreakers, Key},
};

/// The keys of a set.
#[derive(Clone)]
pub struct Keys<K>(CircuitBreakers<K>);

impl<'k, K, Q> Source<&'k Q> for Keys<K>
where
    K: Key + Borrow<Q>,
    Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
{
    fn breaker(&self, key: &&'k Q) -> CircuitBreaker {
        self.0.get(*key)
    }

    fn name(&self, key: &&'k Q, breaker: &CircuitBreaker) -> Name {
        self.0.name_of(*key, breaker)
    }

    fn claim(
        &self,
        _breakers: impl Iterator<Item = CircuitBreaker>,
        now: Duration,
    ) -> Option<EarlyClaim> {
        Claim::of_set(self.0.gate(), now).map(EarlyClaim)
    }
}

/// Borrows the set, for what allocates nothing.
struct BorrowedKeys<'s, K>(&'s CircuitBreakers<K>);

impl<'k, K, Q> Source<&'k Q> for BorrowedKeys<'_, K>
where
    K: Key + Borrow<Q>,
    Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
{
    #[inline]
    fn breaker(&self, key: &&'k Q) -> CircuitBreaker {
        self.0.get(*key)
    }

    fn name(&self, key: &&'k Q, breaker: &CircuitBreaker) -> Name {
        self.0.name_of(*key, breaker)
    }

    fn claim(
        &self,
        _breakers: impl Iterator<Item = CircuitBreaker>,
        now: Duration,
    ) -> Option<EarlyClaim> {
        Claim::of_set(self.0.gate(), now).map(EarlyClaim)
    }
}

impl<K: Key> CircuitBreakers<K> {
    /// Returns the first of these keys whose breaker admits a call, with its guard:
    /// [`choose::pick`](crate::choose::pick) for keys.
    ///
    /// ```
    /// use fluxgate::keyed::CircuitBreakers;
    ///
    /// let providers = CircuitBreakers::<String>::builder("llm").build()?;
    /// providers.get("anthropic").force_open();
    /// let chosen = providers.pick(["anthropic", "openai", "local"])?;
    /// assert_eq!(chosen.key, "openai");
    /// chosen.guard.success();
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FailoverError::Refused`] if none admits it.
    #[inline]
    pub fn pick<'k, Q, I>(&self, keys: I) -> Result<Picked<&'k Q>, FailoverError<&'k Q>>
    where
        I: IntoIterator<Item = &'k Q>,
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized + 'k,
    {
        pick_from(&BorrowedKeys(self), keys)
    }

    /// Returns those of these keys whose breakers would admit a call now, for a
    /// balancer of your own: [`choose::callable`](crate::choose::callable) for keys.
    ///
    /// ```
    /// use fluxgate::keyed::CircuitBreakers;
    ///
    /// let workers = CircuitBreakers::<u32>::builder("workers").build()?;
    /// workers.get(&2).force_open();
    /// assert!(workers.callable(&[1, 2, 3]).eq(&[1, 3]));
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn callable<'s, 'k, Q, I>(
        &'s self,
        keys: I,
    ) -> impl Iterator<Item = &'k Q> + use<'s, 'k, K, Q, I>
    where
        I: IntoIterator<Item = &'k Q>,
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized + 'k,
    {
        let keys = keys.into_iter();
        keys.filter(|key| self.get(*key).is_call_permitted())
    }

    /// Starts a call that goes to the first of these keys whose breaker admits it; see
    /// [`Failover`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::io;
    /// use fluxgate::{choose::AllOpen, keyed::CircuitBreakers};
    ///
    /// async fn ask(provider: &str, prompt: &str) -> io::Result<String> {
    ///     Ok(format!("{provider}: {prompt}?"))
    /// }
    ///
    /// let providers = CircuitBreakers::<String>::builder("llm").build()?;
    /// let prompt = String::from("why");
    /// let answer = providers
    ///     .failover(["anthropic", "openai"])
    ///     .idempotent(true)
    ///     .when_all_open(AllOpen::LeastWait)
    ///     .call_async(|provider| ask(provider, &prompt))
    ///     .await?;
    /// assert_eq!((answer.key, &*answer.value), ("anthropic", "anthropic: why?"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn failover<'k, Q, I>(&self, keys: I) -> Failover<Keys<K>, I>
    where
        I: IntoIterator<Item = &'k Q>,
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized + 'k,
    {
        Failover::new(Keys(self.clone()), keys)
    }
}

impl<K> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0).finish()
    }
}
