//! AlterClientQuotas (49): sets quotas and takes them back (KIP-546).

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
use crate::coordinator::metadata::Metadata;

/// Answers when the quotas are in force.
pub async fn handle(
    _: &Call,
    request: AlterClientQuotasRequest,
    metadata: &Arc<Metadata>,
) -> AlterClientQuotasResponse {
    let mut refused = Vec::new();
    let mut alterations = Vec::new();
    for asked in &request.entries {
        let alteration = alteration(asked);
        match unknown_host(&alteration.entity).await {
            Some(host) => refused.push(AlterClientQuotasResult {
                entity: alteration.entity,
                error: ErrorCode::InvalidRequest,
                message: Some(format!("{host} is not a valid IP or resolvable host.")),
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

/// The name of an address that is neither one nor a host that can be found (Kafka: ClientQuotaControlManager.isValidIpEntity).
async fn unknown_host(entity: &QuotaEntity) -> Option<String> {
    let host = entity.get(IP)?.as_deref().filter(|host| entity.len() == 1 && !host.is_empty())?;
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let found = tokio::net::lookup_host((host, 0)).await;
    if found.is_ok_and(|mut all| all.next().is_some()) { None } else { Some(host.to_owned()) }
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
