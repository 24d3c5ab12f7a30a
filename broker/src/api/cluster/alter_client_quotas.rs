//! AlterClientQuotas (49): sets quotas and takes them back (KIP-546).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::client_quotas::{IP, QuotaEntity, QuotaValue};
use forebay_control::metadata::command::{AlterClientQuotas, QuotaAlteration};
use forebay_control::metadata::reply::AlterClientQuotasResult;
use forebay_control::metadata::{Command, Reply};
use kafka_protocol::messages::alter_client_quotas_request::EntryData as Asked;
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::clock;
use crate::coordinator::metadata::Metadata;

/// Most hosts that one request may have looked up.
const MAX_HOSTS: usize = 100;
/// How long the hosts of one request may be looked up, in milliseconds; those that are not found by then cannot be found.
const LOOKUP_MS: i64 = 5_000;

/// Answers when the quotas are in force.
pub async fn handle(
    _: &Call,
    request: AlterClientQuotasRequest,
    metadata: &Arc<Metadata>,
) -> AlterClientQuotasResponse {
    let mut refused = Vec::new();
    let mut alterations = Vec::new();
    let asked: Vec<QuotaAlteration> = request.entries.iter().map(alteration).collect();
    let hosts = asked.iter().filter_map(|alteration| host(&alteration.entity)).map(str::to_owned).collect();
    let unknown = unknown_hosts(hosts).await;
    for alteration in asked {
        match host(&alteration.entity).and_then(|host| unknown.get(host)) {
            Some(message) => refused.push(AlterClientQuotasResult {
                error: ErrorCode::InvalidRequest,
                message: Some(message.clone()),
                entity: alteration.entity,
            }),
            None => alterations.push(alteration),
        }
    }
    let entities: Vec<QuotaEntity> = alterations.iter().map(|a| a.entity.clone()).collect();
    let validate_only = request.validate_only;
    let reply =
        metadata.ask(|reply_to| Command::AlterClientQuotas(AlterClientQuotas { reply_to, alterations, validate_only }));
    let results = match reply {
        Ok(Reply::AlterClientQuotas(results)) => results,
        Ok(other) => unreachable!("a change of quotas is answered by {other:?}"),
        Err(error) => {
            entities.into_iter().map(|entity| AlterClientQuotasResult { entity, error, message: None }).collect()
        }
    };
    AlterClientQuotasResponse::default().with_entries(results.into_iter().chain(refused).map(entry).collect())
}

/// Of several names for one type the last one counts, as in a map.
fn alteration(asked: &Asked) -> QuotaAlteration {
    let name = |name: &Option<kafka_protocol::protocol::StrBytes>| name.as_ref().map(ToString::to_string);
    QuotaAlteration {
        entity: asked.entity.iter().map(|e| (e.entity_type.to_string(), name(&e.entity_name))).collect(),
        ops: asked.ops.iter().map(|op| (op.key.to_string(), (!op.remove).then_some(QuotaValue(op.value)))).collect(),
    }
}

/// The host that an entity names, unless it is written as an address.
fn host(entity: &QuotaEntity) -> Option<&str> {
    let host = entity.get(IP)?.as_deref().filter(|host| entity.len() == 1 && !host.is_empty())?;
    host.parse::<std::net::IpAddr>().is_err().then_some(host)
}

/// The hosts that cannot be found, each with what is wrong (Kafka: ClientQuotaControlManager.isValidIpEntity, which looks up as many as
/// there are, for as long as that takes).
async fn unknown_hosts(hosts: BTreeSet<String>) -> BTreeMap<String, String> {
    let deadline = clock::deadline(LOOKUP_MS);
    let too_many = hosts.len() > MAX_HOSTS;
    let mut unknown = BTreeMap::new();
    for host in hosts {
        if too_many {
            unknown.insert(host, format!("More than {MAX_HOSTS} hosts are named in one request; write addresses."));
            continue;
        }
        let found = tokio::time::timeout_at(deadline, tokio::net::lookup_host((host.as_str(), 0))).await;
        if !found.is_ok_and(|found| found.is_ok_and(|mut all| all.next().is_some())) {
            let message = format!("{host} is not a valid IP or resolvable host.");
            unknown.insert(host, message);
        }
    }
    unknown
}

fn entry(result: AlterClientQuotasResult) -> EntryData {
    let entity = |(kind, name): (String, Option<String>)| {
        EntityData::default()
            .with_entity_type(convert::text(&kind))
            .with_entity_name(name.as_deref().map(convert::text))
    };
    EntryData::default()
        .with_error_code(result.error.code())
        .with_error_message(result.message.as_deref().map(convert::text))
        .with_entity(result.entity.into_iter().map(entity).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn too_many_hosts_are_not_looked_up() {
        let hosts = |count: usize| (0..count).map(|n| format!("no-host-{n}.invalid")).collect();
        let refused = unknown_hosts(hosts(MAX_HOSTS + 1)).await;
        assert_eq!(refused.len(), MAX_HOSTS + 1);
        assert!(refused.values().all(|message| message.starts_with("More than 100 hosts")), "{refused:?}");
        assert!(unknown_hosts(["localhost".to_owned()].into()).await.is_empty());
    }
}
