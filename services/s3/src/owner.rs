//! Canonical user ids: what S3 calls accounts in ACLs and lists.

use crate::hex::hex;
use crate::wire;
use sha2::{Digest, Sha256};
use virga_base::Account;

/// Hexadecimal digits of an id that hide the account's number.
const HIDDEN: usize = 5;

/// The canonical id of an account: 64 hexadecimal digits, always the same.
pub fn canonical_id(account: Account) -> String {
    let mut digest: [u8; 32] = Sha256::digest(format!("canonical user {account}")).into();
    let (head, number) = digest.split_at_mut(32 - HIDDEN);
    let account = account.number().to_be_bytes();
    for ((byte, hide), part) in number.iter_mut().zip(head.iter()).zip(&account[8 - HIDDEN..]) {
        *byte = hide ^ part;
    }
    hex(&digest)
}

/// The account of a canonical id; none where the id is nobody's.
pub fn account_of(id: &str) -> Option<Account> {
    if id.len() != 64 || !id.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(id.get(at * 2..at * 2 + 2)?, 16).ok();
    let mut number = 0u64;
    for part in 0..HIDDEN {
        number = number << 8 | u64::from(byte(32 - HIDDEN + part)? ^ byte(part)?);
    }
    let account = Account::from_number(number);
    (canonical_id(account) == id).then_some(account)
}

/// As lists and ACLs show it.
pub fn shown(account: Account) -> wire::Owner {
    wire::Owner {
        id: Some(canonical_id(account)),
        ..wire::Owner::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{account_of, canonical_id};
    use virga_base::Account;

    #[test]
    fn an_id_leads_back_to_its_account() {
        for number in [0, 1, 123_456_789_012, 999_999_999_999] {
            let account = Account::from_number(number);
            let id = canonical_id(account);
            assert_eq!(id.len(), 64);
            assert_eq!(account_of(&id), Some(account));
        }
        assert_eq!(account_of(&"0".repeat(64)), None);
        assert_eq!(account_of("short"), None);
    }
}
