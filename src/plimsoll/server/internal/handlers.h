// The handlers of all commands, by the file that has them. run_command() has checked the number of arguments
// and the client's right; a handler replies exactly once.
#pragma once

#include "plimsoll/server/command.h"

namespace plimsoll {

// commands_string.cc
Progress get_command(CommandContext& context);
Progress set_command(CommandContext& context);
Progress setnx_command(CommandContext& context);
Progress setex_command(CommandContext& context);
Progress psetex_command(CommandContext& context);
Progress getset_command(CommandContext& context);
Progress getdel_command(CommandContext& context);
Progress getex_command(CommandContext& context);
Progress mget_command(CommandContext& context);
Progress mset_command(CommandContext& context);

// commands_range.cc
Progress append_command(CommandContext& context);
Progress strlen_command(CommandContext& context);
Progress getrange_command(CommandContext& context);
Progress setrange_command(CommandContext& context);

// commands_number.cc
Progress incr_command(CommandContext& context);
Progress decr_command(CommandContext& context);
Progress incrby_command(CommandContext& context);
Progress decrby_command(CommandContext& context);
Progress incrbyfloat_command(CommandContext& context);

// commands_keys.cc
Progress del_command(CommandContext& context);
Progress exists_command(CommandContext& context);
Progress touch_command(CommandContext& context);
Progress type_command(CommandContext& context);

// commands_database.cc
Progress select_command(CommandContext& context);
Progress swapdb_command(CommandContext& context);
Progress dbsize_command(CommandContext& context);
Progress flushall_command(CommandContext& context);
Progress flushdb_command(CommandContext& context);
Progress randomkey_command(CommandContext& context);

// commands_move.cc
Progress rename_command(CommandContext& context);
Progress renamenx_command(CommandContext& context);
Progress copy_command(CommandContext& context);
Progress move_command(CommandContext& context);
Progress msetnx_command(CommandContext& context);

// commands_object.cc
Progress entry_command(CommandContext& context);
Progress object_encoding_command(CommandContext& context);
Progress object_freq_command(CommandContext& context);
Progress object_idletime_command(CommandContext& context);
Progress object_refcount_command(CommandContext& context);

// commands_memory.cc
Progress memory_doctor_command(CommandContext& context);
Progress memory_malloc_stats_command(CommandContext& context);
Progress memory_purge_command(CommandContext& context);
Progress memory_stats_command(CommandContext& context);
Progress memory_usage_command(CommandContext& context);

// commands_transaction.cc
Progress multi_command(CommandContext& context);
Progress exec_command(CommandContext& context);
Progress discard_command(CommandContext& context);
Progress watch_command(CommandContext& context);
Progress unwatch_command(CommandContext& context);
// Keeps the command until EXEC. REQUIRES: the session queues.
Progress queue_command(CommandContext& context);

// commands_scan.cc
Progress scan_command(CommandContext& context);
Progress keys_command(CommandContext& context);

// commands_expire.cc
Progress expire_command(CommandContext& context);
Progress pexpire_command(CommandContext& context);
Progress expireat_command(CommandContext& context);
Progress pexpireat_command(CommandContext& context);
Progress ttl_command(CommandContext& context);
Progress pttl_command(CommandContext& context);
Progress expiretime_command(CommandContext& context);
Progress pexpiretime_command(CommandContext& context);
Progress persist_command(CommandContext& context);

// commands_connection.cc
Progress ping_command(CommandContext& context);
Progress echo_command(CommandContext& context);
Progress auth_command(CommandContext& context);
Progress reset_command(CommandContext& context);
Progress quit_command(CommandContext& context);
Progress hello_command(CommandContext& context);

// commands_client.cc
Progress client_setname_command(CommandContext& context);
Progress client_getname_command(CommandContext& context);
Progress client_id_command(CommandContext& context);
Progress client_info_command(CommandContext& context);
Progress client_list_command(CommandContext& context);
Progress client_setinfo_command(CommandContext& context);

// commands_client_control.cc
Progress client_kill_command(CommandContext& context);
Progress client_reply_command(CommandContext& context);
Progress client_no_evict_command(CommandContext& context);
Progress client_unblock_command(CommandContext& context);
Progress client_tracking_command(CommandContext& context);
Progress client_trackinginfo_command(CommandContext& context);
Progress client_getredir_command(CommandContext& context);

// commands_scripting.cc
Progress script_exists_command(CommandContext& context);
Progress script_flush_command(CommandContext& context);
Progress function_flush_command(CommandContext& context);
Progress function_list_command(CommandContext& context);

// commands_server.cc
Progress info_command(CommandContext& context);
Progress config_get_command(CommandContext& context);
Progress config_set_command(CommandContext& context);
Progress time_command(CommandContext& context);
Progress role_command(CommandContext& context);
Progress config_resetstat_command(CommandContext& context);

// commands_command.cc
Progress command_command(CommandContext& context);
Progress command_count_command(CommandContext& context);
Progress command_docs_command(CommandContext& context);
Progress command_getkeys_command(CommandContext& context);
Progress command_getkeysandflags_command(CommandContext& context);
Progress command_info_command(CommandContext& context);
Progress command_list_command(CommandContext& context);

}  // namespace plimsoll
