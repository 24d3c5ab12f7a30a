//! SCRAM credentials: what is refused and in which words, what is stored, what is shown.

use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::*;

use super::Scenario;
use super::quotas::settled;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[("scram::credentials", credentials)];

fn credentials(side: &mut Side) -> Result<(), String> {
    let (anna, bert) = (side.name("anna"), side.name("bert"));
    let up = |user: &str, mechanism: i8, iterations: i32| {
        ScramCredentialUpsertion::default()
            .with_name(text(user))
            .with_mechanism(mechanism)
            .with_iterations(iterations)
            .with_salt(vec![1u8, 2, 3].into())
            .with_salted_password(vec![9u8; 32].into())
    };
    let down =
        |user: &str, mechanism: i8| ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(mechanism);
    let cases = vec![
        (vec![], vec![]),
        (vec![], vec![up(&anna, 1, 4096)]),
        (vec![], vec![up(&anna, 2, 16384), up(&bert, 1, 5000)]),
        (vec![], vec![up(&anna, 1, 4095)]),
        (vec![], vec![up(&anna, 1, 16385)]),
        (vec![], vec![up(&anna, 0, 4096)]),
        (vec![], vec![up(&anna, 3, 4096)]),
        (vec![], vec![up("", 1, 4096)]),
        (vec![], vec![up(&anna, 1, 4096), up(&anna, 2, 4096)]),
        (vec![], vec![up(&anna, 1, 1), up(&anna, 2, 4096)]),
        (vec![down(&anna, 1)], vec![up(&anna, 1, 8192)]),
        (vec![down(&bert, 2)], vec![]),
        (vec![down("nobody", 1)], vec![]),
        (vec![down(&bert, 1), down(&bert, 1)], vec![]),
        (vec![down(&bert, 0), down("", 1)], vec![]),
        (vec![down(&bert, 1)], vec![up(&anna, 1, 8192)]),
    ];
    for (deletions, upsertions) in cases {
        side.about(format!("{} deletions, {} upsertions", deletions.len(), upsertions.len()));
        let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions).with_upsertions(upsertions);
        side.ask_sorted(0, &request, |answer| answer.results.sort_by(|a, b| a.user.cmp(&b.user)))?;
        show_scram(side, Some(&[&anna, &bert]))?;
    }
    show_scram(side, Some(&["nobody"]))?;
    show_scram(side, Some(&[&anna, &anna, ""]))?;
    show_scram(side, Some(&[]))?;
    show_scram(side, None)?;
    let all = AlterUserScramCredentialsRequest::default().with_deletions(vec![down(&anna, 1)]);
    side.ask(0, &all)?;
    let all = AlterUserScramCredentialsRequest::default().with_deletions(vec![down(&anna, 2)]);
    side.ask(0, &all)?;
    show_scram(side, None)
}

fn show_scram(side: &mut Side, users: Option<&[&str]>) -> Result<(), String> {
    settled(side)?;
    let users = users.map(|users| users.iter().map(|user| UserName::default().with_name(text(user))).collect());
    side.ask_sorted(0, &DescribeUserScramCredentialsRequest::default().with_users(users), |answer| {
        answer.results.sort_by(|a, b| a.user.cmp(&b.user));
        answer.results.iter_mut().for_each(|r| r.credential_infos.sort_by_key(|info| info.mechanism));
    })?;
    Ok(())
}
