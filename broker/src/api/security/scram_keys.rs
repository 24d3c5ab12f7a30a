//! The keys that a server keeps of a salted password (RFC 5802, section 3; Kafka: ScramFormatter).

use forebay_control::metadata::scram::ScramMechanism;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

/// StoredKey and ServerKey.
#[must_use]
pub fn of_salted_password(mechanism: ScramMechanism, salted_password: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mac = |text: &[u8]| keyed(mechanism, salted_password, text);
    (hash(mechanism, &mac(b"Client Key")), mac(b"Server Key"))
}

fn keyed(mechanism: ScramMechanism, key: &[u8], text: &[u8]) -> Vec<u8> {
    match mechanism {
        ScramMechanism::Sha256 => finish(<Hmac<Sha256> as KeyInit>::new_from_slice(key), text),
        ScramMechanism::Sha512 => finish(<Hmac<Sha512> as KeyInit>::new_from_slice(key), text),
    }
}

fn finish<M: Mac>(mac: Result<M, hmac::digest::InvalidLength>, text: &[u8]) -> Vec<u8> {
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hash(mechanism: ScramMechanism, bytes: &[u8]) -> Vec<u8> {
    match mechanism {
        ScramMechanism::Sha256 => Sha256::digest(bytes).to_vec(),
        ScramMechanism::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Hi() of RFC 5802: PBKDF2 with one block.
    fn salted(mechanism: ScramMechanism, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut last = keyed(mechanism, password, &[salt, &1u32.to_be_bytes()].concat());
        let mut all = last.clone();
        for _ in 1..iterations {
            last = keyed(mechanism, password, &last);
            all.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        all
    }

    /// The example of RFC 7677, section 3: salt W22ZaJ0SNY7soEsUEjb6gQ==, password pencil, with its proof and its signature.
    #[test]
    fn the_keys_are_those_of_the_rfc() {
        let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let sha256 = ScramMechanism::Sha256;
        let salted = salted(sha256, b"pencil", &salt, 4096);
        let (stored_key, server_key) = of_salted_password(sha256, &salted);
        let message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        // v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
        let signature = "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e";
        assert_eq!(hex(&keyed(sha256, &server_key, message)), signature);
        // p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=: the client's key under a key made from the stored one.
        let proof = "747cdb65aa56224e2352137e52d7bdcad6a0f738df30782caa69a2cfb0277554";
        let client_key = keyed(sha256, &salted, b"Client Key");
        let mask = keyed(sha256, &stored_key, message);
        let masked: Vec<u8> = client_key.iter().zip(&mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(hex(&masked), proof);
        assert_eq!(of_salted_password(ScramMechanism::Sha512, &salted).0.len(), 64);
    }
}
