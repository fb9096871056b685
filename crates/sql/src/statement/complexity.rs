//! How deep a syntax tree can get, told from its tokens, before the tree exists.
//!
//! The parser limits nesting, but not the length of a chain such as `1 + 1 + 1 …`, whose tree is as deep as the chain is
//! long. Freeing or walking such a tree recurses once per level.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Word};

/// The most tokens one statement may have.
const MAX_TOKENS: usize = 60_000;
/// The deepest syntax tree. Planning takes time by the square of the depth.
const MAX_DEPTH: usize = 1_500;

/// Says what is too large, if anything is.
pub(super) fn check(tokens: &[Token]) -> Result<(), String> {
    if tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count() > MAX_TOKENS {
        return Err(format!("the statement has more than {MAX_TOKENS} words and signs; split it into smaller ones"));
    }
    if depth(tokens) > MAX_DEPTH {
        return Err(format!(
            "one expression has more than {MAX_DEPTH} operators in a row; use `IN (…)`, or split the statement"
        ));
    }
    Ok(())
}

/// One level of brackets: how deep its current comma-separated part is, and its deepest part.
#[derive(Default)]
struct Level {
    chain: usize,
    inner: usize,
    deepest: usize,
}

impl Level {
    fn end_part(&mut self) {
        self.deepest = self.deepest.max(self.chain.saturating_add(self.inner));
        self.chain = 0;
        self.inner = 0;
    }
}

fn depth(tokens: &[Token]) -> usize {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                level.chain = level.chain.saturating_add(1);
                outer.push(std::mem::take(&mut level));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                level.end_part();
                let deepest = level.deepest;
                level = outer.pop().unwrap_or_default();
                level.inner = level.inner.max(deepest);
            }
            Token::Comma => level.end_part(),
            token if is_operand(token) => {}
            _ => level.chain = level.chain.saturating_add(1),
        }
    }
    level.end_part();
    outer.into_iter().fold(level.deepest, |inner, mut level| {
        level.inner = level.inner.max(inner);
        level.end_part();
        level.deepest
    })
}

fn is_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Whitespace(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Word(Word { keyword: Keyword::NoKeyword, .. })
            | Token::EOF
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    fn depth_of(sql: &str) -> usize {
        depth(&Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap())
    }

    #[test]
    fn a_chain_is_as_deep_as_it_is_long() {
        assert!(depth_of(&"1+".repeat(5_000)) >= 5_000);
        assert!(depth_of(&format!("select {} from t", vec!["a"; 5_000].join(", "))) < 5);
    }

    #[test]
    fn brackets_add_to_the_chain_around_them() {
        let chain = format!("({}1)", "1+".repeat(100));
        assert!(depth_of(&format!("{chain}{}", "+1".repeat(100))) >= 200);
        assert!(depth_of(&format!("{chain},{chain}")) < 120);
        assert!(depth_of(&"(1+".repeat(100)) >= 200, "unclosed brackets count as well");
    }

    #[test]
    fn long_lists_are_not_deep() {
        let list = vec!["'x'"; 20_000].join(",");
        let tokens = Tokenizer::new(&GenericDialect {}, &format!("select 1 where a in ({list})")).tokenize().unwrap();
        assert_eq!(check(&tokens), Ok(()));
    }
}
