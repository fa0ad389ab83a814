//! Access key ids: four letters that tell the kind, then 80 bits in base 32, of which 40 are the account.
//!
//! AWS does not document the form, but keys issued since 2019 have it: the first bit is set, the account's 40 bits
//! follow, the rest is chance. Keys are made the same way here, so that any tool that reads the account off a key can.

use virga_service::Account;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bits of chance behind the account.
const CHANCE_BITS: u32 = 39;

/// An access key id for temporary credentials (`ASIA…`) of an account.
pub fn temporary(account: Account, chance: u64) -> String {
    let bits = 1 << 79 | u128::from(account.number()) << CHANCE_BITS | u128::from(chance) & ((1 << CHANCE_BITS) - 1);
    let mut id = String::with_capacity(20);
    id.push_str("ASIA");
    for i in (0..16).rev() {
        let digit = (bits >> (5 * i)) as usize & 31;
        id.push(char::from(ALPHABET[digit]));
    }
    id
}

/// The account that a key id names, where it is of the form that names one.
pub fn account(id: &str) -> Option<Account> {
    let body = id.strip_prefix("ASIA").or_else(|| id.strip_prefix("AKIA"))?;
    if body.len() != 16 {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in body.bytes() {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits = bits << 5 | digit as u128;
    }
    let number = (bits >> CHANCE_BITS) as u64 & ((1 << 40) - 1);
    (bits >> 79 == 1 && number < 1_000_000_000_000).then(|| Account::from_number(number))
}

#[cfg(test)]
mod tests {
    use super::{account, temporary};
    use virga_service::Account;

    #[test]
    fn a_key_names_its_account() {
        for number in [0, 42, 123_456_789_012, 999_999_999_999] {
            let id = temporary(Account::from_number(number), 0x7f_1234_5678);
            assert_eq!(id.len(), 20, "{id}");
            assert_eq!(account(&id), Some(Account::from_number(number)), "{id}");
        }
    }

    #[test]
    fn chance_makes_keys_differ_and_does_not_reach_the_account() {
        let of = |chance| temporary(Account::from_number(7), chance);
        assert_ne!(of(1), of(2));
        assert_eq!(account(&of(u64::MAX)), Some(Account::from_number(7)));
    }

    #[test]
    fn a_key_that_aws_issued_is_read_the_same_way() {
        // Published with its account in research on the form of key ids.
        assert_eq!(
            account("ASIAQNZGKIQY56JQ7WML"),
            Some(Account::from_number(29_608_264_753))
        );
    }

    #[test]
    fn older_keys_and_other_text_name_none() {
        for id in [
            "AKIAIOSFODNN7EXAMPLE",
            "123456789012",
            "ASIA",
            "ASIAq",
            "AROAQNZGKIQY56JQ7WML",
            "ASIAÄÄÄÄÄÄÄÄ",
        ] {
            assert_eq!(account(id), None, "{id}");
        }
    }
}
