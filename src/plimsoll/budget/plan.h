// ServerPlan: how the server's line is shared, as one pure function of the line.
//
// Nothing is split by hand: the cache takes what the others leave, and the others have maxima, so that no
// kind of traffic can take everything.
//
// Thread-safety: a value. Cost: none. Limits: lines of 16 MiB and more. Errors: none.
#pragma once

#include "plimsoll/base/bytes.h"

namespace plimsoll {

struct ServerPlan {
  Bytes bodies_maximum;        // request bodies under way, all connections together
  Bytes output_maximum;        // replies not yet read by their clients, all connections together
  Bytes reader_share;          // what one connection may hold of that before no more of its requests are run
  Bytes connections_maximum;   // state and socket buffers of connections
  Bytes http_maximum;          // state of HTTP connections
  Bytes page_cache_guarantee;  // what the cache leaves to the log's files
  Bytes log_kept_behind;       // of a partition, what stays cached behind its end when nobody reads it
  Bytes indexes_maximum;       // maps of the log's indexes
};

ServerPlan plan_server(Bytes line);

}  // namespace plimsoll
