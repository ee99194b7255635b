#include "plimsoll/wire/kafka_api.h"

#include <iterator>

namespace plimsoll::kafka {
namespace {

struct CodeRow {
  Code code;
  bool retriable;
  std::string_view name;
};

// In the order of the codes, without a gap, so that a code is an index.
constexpr CodeRow kCodes[] = {
    {Code::kUnknownServerError, false, "UNKNOWN_SERVER_ERROR"},
    {Code::kNone, false, "NONE"},
    {Code::kOffsetOutOfRange, false, "OFFSET_OUT_OF_RANGE"},
    {Code::kCorruptMessage, true, "CORRUPT_MESSAGE"},
    {Code::kUnknownTopicOrPartition, true, "UNKNOWN_TOPIC_OR_PARTITION"},
    {Code::kInvalidFetchSize, false, "INVALID_FETCH_SIZE"},
    {Code::kLeaderNotAvailable, true, "LEADER_NOT_AVAILABLE"},
    {Code::kNotLeaderOrFollower, true, "NOT_LEADER_OR_FOLLOWER"},
    {Code::kRequestTimedOut, true, "REQUEST_TIMED_OUT"},
    {Code::kBrokerNotAvailable, false, "BROKER_NOT_AVAILABLE"},
    {Code::kReplicaNotAvailable, true, "REPLICA_NOT_AVAILABLE"},
    {Code::kMessageTooLarge, false, "MESSAGE_TOO_LARGE"},
    {Code::kStaleControllerEpoch, false, "STALE_CONTROLLER_EPOCH"},
    {Code::kOffsetMetadataTooLarge, false, "OFFSET_METADATA_TOO_LARGE"},
    {Code::kNetworkException, true, "NETWORK_EXCEPTION"},
    {Code::kCoordinatorLoadInProgress, true, "COORDINATOR_LOAD_IN_PROGRESS"},
    {Code::kCoordinatorNotAvailable, true, "COORDINATOR_NOT_AVAILABLE"},
    {Code::kNotCoordinator, true, "NOT_COORDINATOR"},
    {Code::kInvalidTopic, false, "INVALID_TOPIC_EXCEPTION"},
    {Code::kRecordListTooLarge, false, "RECORD_LIST_TOO_LARGE"},
    {Code::kNotEnoughReplicas, true, "NOT_ENOUGH_REPLICAS"},
    {Code::kNotEnoughReplicasAfterAppend, true, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"},
    {Code::kInvalidRequiredAcks, false, "INVALID_REQUIRED_ACKS"},
    {Code::kIllegalGeneration, false, "ILLEGAL_GENERATION"},
    {Code::kInconsistentGroupProtocol, false, "INCONSISTENT_GROUP_PROTOCOL"},
    {Code::kInvalidGroupId, false, "INVALID_GROUP_ID"},
    {Code::kUnknownMemberId, false, "UNKNOWN_MEMBER_ID"},
    {Code::kInvalidSessionTimeout, false, "INVALID_SESSION_TIMEOUT"},
    {Code::kRebalanceInProgress, false, "REBALANCE_IN_PROGRESS"},
    {Code::kInvalidCommitOffsetSize, false, "INVALID_COMMIT_OFFSET_SIZE"},
    {Code::kTopicAuthorizationFailed, false, "TOPIC_AUTHORIZATION_FAILED"},
    {Code::kGroupAuthorizationFailed, false, "GROUP_AUTHORIZATION_FAILED"},
    {Code::kClusterAuthorizationFailed, false, "CLUSTER_AUTHORIZATION_FAILED"},
    {Code::kInvalidTimestamp, false, "INVALID_TIMESTAMP"},
    {Code::kUnsupportedSaslMechanism, false, "UNSUPPORTED_SASL_MECHANISM"},
    {Code::kIllegalSaslState, false, "ILLEGAL_SASL_STATE"},
    {Code::kUnsupportedVersion, false, "UNSUPPORTED_VERSION"},
    {Code::kTopicAlreadyExists, false, "TOPIC_ALREADY_EXISTS"},
    {Code::kInvalidPartitions, false, "INVALID_PARTITIONS"},
    {Code::kInvalidReplicationFactor, false, "INVALID_REPLICATION_FACTOR"},
    {Code::kInvalidReplicaAssignment, false, "INVALID_REPLICA_ASSIGNMENT"},
    {Code::kInvalidConfig, false, "INVALID_CONFIG"},
    {Code::kNotController, true, "NOT_CONTROLLER"},
    {Code::kInvalidRequest, false, "INVALID_REQUEST"},
    {Code::kUnsupportedForMessageFormat, false, "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
    {Code::kPolicyViolation, false, "POLICY_VIOLATION"},
    {Code::kOutOfOrderSequenceNumber, false, "OUT_OF_ORDER_SEQUENCE_NUMBER"},
    {Code::kDuplicateSequenceNumber, false, "DUPLICATE_SEQUENCE_NUMBER"},
    {Code::kInvalidProducerEpoch, false, "INVALID_PRODUCER_EPOCH"},
    {Code::kInvalidTxnState, false, "INVALID_TXN_STATE"},
    {Code::kInvalidProducerIdMapping, false, "INVALID_PRODUCER_ID_MAPPING"},
    {Code::kInvalidTransactionTimeout, false, "INVALID_TRANSACTION_TIMEOUT"},
    {Code::kConcurrentTransactions, true, "CONCURRENT_TRANSACTIONS"},
    {Code::kTransactionCoordinatorFenced, false, "TRANSACTION_COORDINATOR_FENCED"},
    {Code::kTransactionalIdAuthorizationFailed, false, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
    {Code::kSecurityDisabled, false, "SECURITY_DISABLED"},
    {Code::kOperationNotAttempted, false, "OPERATION_NOT_ATTEMPTED"},
    {Code::kKafkaStorageError, true, "KAFKA_STORAGE_ERROR"},
    {Code::kLogDirNotFound, false, "LOG_DIR_NOT_FOUND"},
    {Code::kSaslAuthenticationFailed, false, "SASL_AUTHENTICATION_FAILED"},
    {Code::kUnknownProducerId, false, "UNKNOWN_PRODUCER_ID"},
    {Code::kReassignmentInProgress, false, "REASSIGNMENT_IN_PROGRESS"},
    {Code::kDelegationTokenAuthDisabled, false, "DELEGATION_TOKEN_AUTH_DISABLED"},
    {Code::kDelegationTokenNotFound, false, "DELEGATION_TOKEN_NOT_FOUND"},
    {Code::kDelegationTokenOwnerMismatch, false, "DELEGATION_TOKEN_OWNER_MISMATCH"},
    {Code::kDelegationTokenRequestNotAllowed, false, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"},
    {Code::kDelegationTokenAuthorizationFailed, false, "DELEGATION_TOKEN_AUTHORIZATION_FAILED"},
    {Code::kDelegationTokenExpired, false, "DELEGATION_TOKEN_EXPIRED"},
    {Code::kInvalidPrincipalType, false, "INVALID_PRINCIPAL_TYPE"},
    {Code::kNonEmptyGroup, false, "NON_EMPTY_GROUP"},
    {Code::kGroupIdNotFound, false, "GROUP_ID_NOT_FOUND"},
    {Code::kFetchSessionIdNotFound, true, "FETCH_SESSION_ID_NOT_FOUND"},
    {Code::kInvalidFetchSessionEpoch, true, "INVALID_FETCH_SESSION_EPOCH"},
    {Code::kListenerNotFound, true, "LISTENER_NOT_FOUND"},
    {Code::kTopicDeletionDisabled, false, "TOPIC_DELETION_DISABLED"},
    {Code::kFencedLeaderEpoch, true, "FENCED_LEADER_EPOCH"},
    {Code::kUnknownLeaderEpoch, true, "UNKNOWN_LEADER_EPOCH"},
    {Code::kUnsupportedCompressionType, false, "UNSUPPORTED_COMPRESSION_TYPE"},
    {Code::kStaleBrokerEpoch, false, "STALE_BROKER_EPOCH"},
    {Code::kOffsetNotAvailable, true, "OFFSET_NOT_AVAILABLE"},
    {Code::kMemberIdRequired, false, "MEMBER_ID_REQUIRED"},
    {Code::kPreferredLeaderNotAvailable, true, "PREFERRED_LEADER_NOT_AVAILABLE"},
    {Code::kGroupMaxSizeReached, false, "GROUP_MAX_SIZE_REACHED"},
    {Code::kFencedInstanceId, false, "FENCED_INSTANCE_ID"},
    {Code::kEligibleLeadersNotAvailable, true, "ELIGIBLE_LEADERS_NOT_AVAILABLE"},
    {Code::kElectionNotNeeded, true, "ELECTION_NOT_NEEDED"},
    {Code::kNoReassignmentInProgress, false, "NO_REASSIGNMENT_IN_PROGRESS"},
    {Code::kGroupSubscribedToTopic, false, "GROUP_SUBSCRIBED_TO_TOPIC"},
    {Code::kInvalidRecord, false, "INVALID_RECORD"},
    {Code::kUnstableOffsetCommit, true, "UNSTABLE_OFFSET_COMMIT"},
    {Code::kThrottlingQuotaExceeded, true, "THROTTLING_QUOTA_EXCEEDED"},
    {Code::kProducerFenced, false, "PRODUCER_FENCED"},
    {Code::kResourceNotFound, false, "RESOURCE_NOT_FOUND"},
    {Code::kDuplicateResource, false, "DUPLICATE_RESOURCE"},
    {Code::kUnacceptableCredential, false, "UNACCEPTABLE_CREDENTIAL"},
    {Code::kInconsistentVoterSet, false, "INCONSISTENT_VOTER_SET"},
    {Code::kInvalidUpdateVersion, false, "INVALID_UPDATE_VERSION"},
    {Code::kFeatureUpdateFailed, false, "FEATURE_UPDATE_FAILED"},
    {Code::kPrincipalDeserializationFailure, false, "PRINCIPAL_DESERIALIZATION_FAILURE"},
    {Code::kSnapshotNotFound, false, "SNAPSHOT_NOT_FOUND"},
    {Code::kPositionOutOfRange, false, "POSITION_OUT_OF_RANGE"},
    {Code::kUnknownTopicId, true, "UNKNOWN_TOPIC_ID"},
    {Code::kDuplicateBrokerRegistration, false, "DUPLICATE_BROKER_REGISTRATION"},
    {Code::kBrokerIdNotRegistered, false, "BROKER_ID_NOT_REGISTERED"},
    {Code::kInconsistentTopicId, true, "INCONSISTENT_TOPIC_ID"},
    {Code::kInconsistentClusterId, false, "INCONSISTENT_CLUSTER_ID"},
    {Code::kTransactionalIdNotFound, false, "TRANSACTIONAL_ID_NOT_FOUND"},
    {Code::kFetchSessionTopicIdError, true, "FETCH_SESSION_TOPIC_ID_ERROR"},
    {Code::kIneligibleReplica, false, "INELIGIBLE_REPLICA"},
    {Code::kNewLeaderElected, false, "NEW_LEADER_ELECTED"},
};

const CodeRow* find_code(Code code) {
  const auto index = static_cast<std::size_t>(static_cast<int>(code) - static_cast<int>(kCodes[0].code));
  return index < std::size(kCodes) ? &kCodes[index] : nullptr;
}

}  // namespace

std::string_view name_of(Code code) {
  const CodeRow* row = find_code(code);
  return row != nullptr ? row->name : "UNKNOWN";
}

bool retriable(Code code) {
  const CodeRow* row = find_code(code);
  return row != nullptr && row->retriable;
}

}  // namespace plimsoll::kafka
