// The requests of Kafka's protocol that are served, in which versions, and the error codes of the answers.
//
// One table says what ApiVersions advertises, what decode() and encode() accept and from which version on a
// message is "flexible" (varints and tagged fields). Produce is advertised from version 0, as librdkafka
// before 2.11.1 drops gzip, snappy and lz4 without a word unless it is; versions below `oldest` can be read
// and written, so that they can be answered with an error, but are not served. Bounds and reasons: the
// requests that kcat, librdkafka, kafkajs and others were seen to send.
//
//   const Api* api = find_api(header.key);
//   if (api == nullptr || !api->serves(header.version)) return refuse(Code::kUnsupportedVersion);
//
// Invariant: served_apis() is in the order of its keys, each once; advertised_oldest <= oldest <= newest.
//
// Thread-safety: constants and pure functions. Cost: find_api() is one load. Limits: keys 0 to 60. Errors:
// null for a key that is not served; "UNKNOWN" for a code that is none of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace plimsoll::kafka {

// Groups, authentication and transactions are named, and not served yet.
enum class ApiKey : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
  kLeaveGroup = 13,
  kSyncGroup = 14,
  kDescribeGroups = 15,
  kListGroups = 16,
  kSaslHandshake = 17,
  kApiVersions = 18,
  kCreateTopics = 19,
  kDeleteTopics = 20,
  kDeleteRecords = 21,
  kInitProducerId = 22,
  kOffsetForLeaderEpoch = 23,
  kAddPartitionsToTxn = 24,
  kAddOffsetsToTxn = 25,
  kEndTxn = 26,
  kWriteTxnMarkers = 27,
  kTxnOffsetCommit = 28,
  kDescribeConfigs = 32,
  kAlterConfigs = 33,
  kSaslAuthenticate = 36,
  kCreatePartitions = 37,
  kDeleteGroups = 42,
  kIncrementalAlterConfigs = 44,
  kOffsetDelete = 47,
  kDescribeCluster = 60,
};

struct Api {
  static constexpr std::int16_t kNever = 32767;

  ApiKey key;
  std::int16_t oldest;
  std::int16_t newest;
  std::int16_t flexible_from;  // kNever: none is
  std::int16_t advertised_oldest;
  std::string_view name;

  constexpr bool serves(std::int16_t version) const { return oldest <= version && version <= newest; }
  constexpr bool describes(std::int16_t version) const {
    return advertised_oldest <= version && version <= newest;
  }
  constexpr bool flexible(std::int16_t version) const { return version >= flexible_from; }
  // A client that asks for versions does not know yet which header it will get, so that this one never
  // changes.
  constexpr bool flexible_response_header(std::int16_t version) const {
    return flexible(version) && key != ApiKey::kApiVersions;
  }
};

namespace detail {

// key, oldest, newest, flexible from, advertised oldest, name
inline constexpr std::array<Api, 16> kApis = {{
    {ApiKey::kProduce, 3, 9, 9, 0, "Produce"},
    {ApiKey::kFetch, 4, 12, 12, 4, "Fetch"},
    {ApiKey::kListOffsets, 1, 7, 6, 1, "ListOffsets"},
    {ApiKey::kMetadata, 0, 9, 9, 0, "Metadata"},
    {ApiKey::kFindCoordinator, 0, 4, 3, 0, "FindCoordinator"},
    {ApiKey::kApiVersions, 0, 3, 3, 0, "ApiVersions"},
    {ApiKey::kCreateTopics, 2, 7, 5, 2, "CreateTopics"},
    {ApiKey::kDeleteTopics, 1, 6, 4, 1, "DeleteTopics"},
    {ApiKey::kDeleteRecords, 0, 2, 2, 0, "DeleteRecords"},
    {ApiKey::kInitProducerId, 0, 4, 2, 0, "InitProducerId"},
    {ApiKey::kOffsetForLeaderEpoch, 2, 4, 4, 2, "OffsetForLeaderEpoch"},
    {ApiKey::kDescribeConfigs, 1, 4, 4, 1, "DescribeConfigs"},
    {ApiKey::kAlterConfigs, 0, 2, 2, 0, "AlterConfigs"},
    {ApiKey::kCreatePartitions, 0, 3, 2, 0, "CreatePartitions"},
    {ApiKey::kIncrementalAlterConfigs, 0, 1, 1, 0, "IncrementalAlterConfigs"},
    {ApiKey::kDescribeCluster, 0, 0, 0, 0, "DescribeCluster"},
}};

// Which row has a key; kApis.size() for none.
inline constexpr auto kApiRows = [] {
  std::array<std::uint8_t, 61> rows{};
  rows.fill(static_cast<std::uint8_t>(kApis.size()));
  for (std::size_t i = 0; i < kApis.size(); ++i) {
    rows[static_cast<std::size_t>(kApis[i].key)] = static_cast<std::uint8_t>(i);
  }
  return rows;
}();

}  // namespace detail

constexpr std::span<const Api> served_apis() { return detail::kApis; }

constexpr const Api* find_api(std::int16_t key) {
  if (key < 0 || static_cast<std::size_t>(key) >= detail::kApiRows.size()) return nullptr;
  const std::size_t row = detail::kApiRows[static_cast<std::size_t>(key)];
  return row < detail::kApis.size() ? &detail::kApis[row] : nullptr;
}

// What went wrong, as the protocol numbers it. A code that is read from the wire may be none of these.
enum class Code : std::int16_t {
  kUnknownServerError = -1,
  kNone = 0,
  kOffsetOutOfRange = 1,
  kCorruptMessage = 2,
  kUnknownTopicOrPartition = 3,
  kInvalidFetchSize = 4,
  kLeaderNotAvailable = 5,
  kNotLeaderOrFollower = 6,
  kRequestTimedOut = 7,
  kBrokerNotAvailable = 8,
  kReplicaNotAvailable = 9,
  kMessageTooLarge = 10,
  kStaleControllerEpoch = 11,
  kOffsetMetadataTooLarge = 12,
  kNetworkException = 13,
  kCoordinatorLoadInProgress = 14,
  kCoordinatorNotAvailable = 15,
  kNotCoordinator = 16,
  kInvalidTopic = 17,
  kRecordListTooLarge = 18,
  kNotEnoughReplicas = 19,
  kNotEnoughReplicasAfterAppend = 20,
  kInvalidRequiredAcks = 21,
  kIllegalGeneration = 22,
  kInconsistentGroupProtocol = 23,
  kInvalidGroupId = 24,
  kUnknownMemberId = 25,
  kInvalidSessionTimeout = 26,
  kRebalanceInProgress = 27,
  kInvalidCommitOffsetSize = 28,
  kTopicAuthorizationFailed = 29,
  kGroupAuthorizationFailed = 30,
  kClusterAuthorizationFailed = 31,
  kInvalidTimestamp = 32,
  kUnsupportedSaslMechanism = 33,
  kIllegalSaslState = 34,
  kUnsupportedVersion = 35,
  kTopicAlreadyExists = 36,
  kInvalidPartitions = 37,
  kInvalidReplicationFactor = 38,
  kInvalidReplicaAssignment = 39,
  kInvalidConfig = 40,
  kNotController = 41,
  kInvalidRequest = 42,
  kUnsupportedForMessageFormat = 43,
  kPolicyViolation = 44,
  kOutOfOrderSequenceNumber = 45,
  kDuplicateSequenceNumber = 46,
  kInvalidProducerEpoch = 47,
  kInvalidTxnState = 48,
  kInvalidProducerIdMapping = 49,
  kInvalidTransactionTimeout = 50,
  kConcurrentTransactions = 51,
  kTransactionCoordinatorFenced = 52,
  kTransactionalIdAuthorizationFailed = 53,
  kSecurityDisabled = 54,
  kOperationNotAttempted = 55,
  kKafkaStorageError = 56,
  kLogDirNotFound = 57,
  kSaslAuthenticationFailed = 58,
  kUnknownProducerId = 59,
  kReassignmentInProgress = 60,
  kDelegationTokenAuthDisabled = 61,
  kDelegationTokenNotFound = 62,
  kDelegationTokenOwnerMismatch = 63,
  kDelegationTokenRequestNotAllowed = 64,
  kDelegationTokenAuthorizationFailed = 65,
  kDelegationTokenExpired = 66,
  kInvalidPrincipalType = 67,
  kNonEmptyGroup = 68,
  kGroupIdNotFound = 69,
  kFetchSessionIdNotFound = 70,
  kInvalidFetchSessionEpoch = 71,
  kListenerNotFound = 72,
  kTopicDeletionDisabled = 73,
  kFencedLeaderEpoch = 74,
  kUnknownLeaderEpoch = 75,
  kUnsupportedCompressionType = 76,
  kStaleBrokerEpoch = 77,
  kOffsetNotAvailable = 78,
  kMemberIdRequired = 79,
  kPreferredLeaderNotAvailable = 80,
  kGroupMaxSizeReached = 81,
  kFencedInstanceId = 82,
  kEligibleLeadersNotAvailable = 83,
  kElectionNotNeeded = 84,
  kNoReassignmentInProgress = 85,
  kGroupSubscribedToTopic = 86,
  kInvalidRecord = 87,
  kUnstableOffsetCommit = 88,
  kThrottlingQuotaExceeded = 89,
  kProducerFenced = 90,
  kResourceNotFound = 91,
  kDuplicateResource = 92,
  kUnacceptableCredential = 93,
  kInconsistentVoterSet = 94,
  kInvalidUpdateVersion = 95,
  kFeatureUpdateFailed = 96,
  kPrincipalDeserializationFailure = 97,
  kSnapshotNotFound = 98,
  kPositionOutOfRange = 99,
  kUnknownTopicId = 100,
  kDuplicateBrokerRegistration = 101,
  kBrokerIdNotRegistered = 102,
  kInconsistentTopicId = 103,
  kInconsistentClusterId = 104,
  kTransactionalIdNotFound = 105,
  kFetchSessionTopicIdError = 106,
  kIneligibleReplica = 107,
  kNewLeaderElected = 108,
};

// "OFFSET_OUT_OF_RANGE", as Kafka's documentation has it.
std::string_view name_of(Code code);
// Whether clients try again by themselves.
bool retriable(Code code);

}  // namespace plimsoll::kafka
