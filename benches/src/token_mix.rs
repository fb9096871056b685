//! A million tokens like those of a large installation.

use tidegate_access::Access;
use tidegate_model::{
    Action, Clock as _, DatabaseName, Description, Grant, NewToken, OsRandomness, PermissionSet, PlainToken, Resource,
    SystemClock, Timestamp, TokenDigest, TokenId, TokenKind, TokenRecord,
};

use crate::random::Xorshift;

/// How many tokens there are.
pub(crate) const TOKENS: u32 = 1_000_000;
const DATABASES: u32 = 200;
/// Length of a token's text.
pub(crate) const TEXT_LENGTH: usize = 92;
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// How alike the permissions of the tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// All tokens hold the same grant: leaves only what a token itself costs.
    Same,
    /// Tokens by purpose: 60 % read or write one database, 30 % read and write one, 10 % read three that belong
    /// together. One in ten expires.
    Purpose,
    /// One to three grants, each of any action and any database: most sets of grants are held by one token only.
    /// One in ten expires.
    Arbitrary,
}

impl Mix {
    /// All of them, by what the programme calls them.
    pub(crate) const ALL: [(&str, Self); 3] =
        [("same", Self::Same), ("purpose", Self::Purpose), ("arbitrary", Self::Arbitrary)];

    fn grants(self, random: &mut Xorshift) -> Vec<(Action, u32)> {
        let database = random.below(DATABASES);
        match self {
            Self::Same => vec![(Action::Write, 0)],
            Self::Purpose => match random.below(10) {
                0..6 => vec![(any_action(random), database)],
                6..9 => vec![(Action::Read, database), (Action::Write, database)],
                _ => (0..3).map(|next| (Action::Read, (database + next) % DATABASES)).collect(),
            },
            Self::Arbitrary => (0..=random.below(3)).map(|_| (any_action(random), random.below(DATABASES))).collect(),
        }
    }

    fn expiry(self, random: &mut Xorshift, now: Timestamp) -> Option<Timestamp> {
        let expires = self != Self::Same && random.below(10) == 0;
        expires.then(|| {
            let days = i64::from(1 + random.below(365));
            let jitter = i64::from(random.below(u32::MAX));
            Timestamp::from_micros(now.micros() + days * DAY_MICROSECONDS + jitter)
        })
    }
}

fn any_action(random: &mut Xorshift) -> Action {
    if random.below(2) == 0 { Action::Read } else { Action::Write }
}

/// The texts of all tokens. They are no secrets: they exist in this process only.
pub(crate) struct Texts(Vec<u8>);

impl Texts {
    pub(crate) fn generate() -> Self {
        let mut texts = Vec::with_capacity(TOKENS as usize * TEXT_LENGTH);
        for _ in 0..TOKENS {
            texts.extend_from_slice(PlainToken::generate(TokenKind::Database, &OsRandomness).expose().as_bytes());
        }
        Self(texts)
    }

    /// The text of token `number`, which must be below [`TOKENS`].
    pub(crate) fn get(&self, number: u32) -> Option<[u8; TEXT_LENGTH]> {
        let (texts, _) = self.0.as_chunks();
        texts.get(number as usize).copied()
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.chunks_exact(TEXT_LENGTH)
    }
}

/// One thing that each token may do: an action on the database of this number.
pub(crate) type Allowed = Vec<(Action, u8)>;

/// Installs all tokens as a start of the server does: each with a record of its own, dropped afterwards.
pub(crate) fn install(access: &Access, texts: &Texts, mix: Mix, allowed: &mut Allowed) -> anyhow::Result<()> {
    let mut random = Xorshift::new();
    let now = SystemClock.now();
    for text in texts.iter() {
        let grants = mix.grants(&mut random);
        let expired = access.install(&record(text, permissions(&grants)?, mix.expiry(&mut random, now), now));
        anyhow::ensure!(expired.is_none(), "a token expired before it was installed");
        let chosen = grants.get(random.below(grants.len() as u32) as usize);
        allowed.extend(chosen.map(|(action, database)| (*action, *database as u8)));
    }
    Ok(())
}

/// The names of all databases, by number.
pub(crate) fn databases() -> anyhow::Result<Vec<DatabaseName>> {
    Ok((0..DATABASES).map(|number| name(number).parse()).collect::<Result<_, _>>()?)
}

fn name(database: u32) -> String {
    format!("plant{database}/raw")
}

fn permissions(grants: &[(Action, u32)]) -> anyhow::Result<PermissionSet> {
    let grant = |(action, database): &(Action, u32)| -> anyhow::Result<Grant> {
        let resource: Resource = name(*database).parse()?;
        Ok(Grant { action: *action, resource })
    };
    grants.iter().map(grant).collect()
}

fn record(text: &[u8], permissions: PermissionSet, expires_at: Option<Timestamp>, now: Timestamp) -> TokenRecord {
    TokenRecord::from(NewToken {
        id: TokenId::random(&OsRandomness),
        kind: TokenKind::Database,
        digest: TokenDigest::of(text),
        prefix: String::new(),
        description: Description::default(),
        permissions,
        created_at: now,
        created_by: None,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_gives_one_to_three_grants_of_known_databases() {
        let known = databases().unwrap();
        for (_, mix) in Mix::ALL {
            let mut random = Xorshift::new();
            for _ in 0..1000 {
                let grants = mix.grants(&mut random);
                assert!((1..=3).contains(&grants.len()));
                let set = permissions(&grants).unwrap();
                assert!(grants.iter().all(|(action, database)| set.allows(*action, &known[*database as usize])));
            }
        }
    }

    #[test]
    fn one_token_in_ten_expires_later() {
        let now = Timestamp::from_micros(0);
        let mut random = Xorshift::new();
        let expiries: Vec<_> = (0..10_000).filter_map(|_| Mix::Purpose.expiry(&mut random, now)).collect();
        assert!((900..1100).contains(&expiries.len()), "{}", expiries.len());
        assert!(expiries.iter().all(|expiry| *expiry > now));
    }
}
