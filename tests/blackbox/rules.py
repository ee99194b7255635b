"""Where the replies of two right servers may differ, and why. Everything else is the same byte for byte."""

import re

from kit import Error, parse
from script import FAR_MILLISECONDS, FAR_SECONDS

NO_REPLY = b"(no reply: "
TOLERANCE_SECONDS = 5  # two servers do not run a command at the same time

# --- the rules: each answers None, or what is wrong ---------------------------------------------------------


def same_members(_args, theirs, ours, _comparison):
    if sorted(theirs) == sorted(ours):
        return None
    only_theirs, only_ours = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    return f"other members: only redis {only_theirs}, only ours {only_ours}"


def close_numbers(tolerance):
    def rule(_args, theirs, ours, _comparison):
        if theirs == ours or min(theirs, ours) > 0 and abs(theirs - ours) <= tolerance:
            return None
        return "the times are not near each other"

    return rule


EXACT_TIMES = {form for time in FAR_SECONDS for form in (time, time * 1000)}
EXACT_TIMES |= {form for time in FAR_MILLISECONDS for form in (time, (time + 500) // 1000)}


def expire_time(tolerance):
    near = close_numbers(tolerance)

    def rule(args, theirs, ours, comparison):
        if theirs in EXACT_TIMES:
            return None if theirs == ours else "a time given as absolute has to come back as it was"
        return near(args, theirs, ours, comparison)

    return rule


def scan_all(args, theirs, ours, comparison):
    """The members of whole iterations, since cursors and the order are each server's own."""
    for reply in (theirs, ours):
        if not (isinstance(reply, list) and len(reply) == 2 and reply[0].isdigit()
                and isinstance(reply[1], list)):
            return "no reply of SCAN"
    if args[1] != b"0":
        return None
    return same_members(args, iterated(comparison.theirs, args, theirs),
                        iterated(comparison.ours, args, ours), None)


def iterated(side, args, reply):
    found = set(reply[1])
    for _ in range(100000):
        if reply[0] == b"0":
            return found
        reply = side.client.command(args[0], reply[0], *args[2:])
        if isinstance(reply, Error):
            return {b"SCAN did not go on: " + reply}
        found |= set(reply[1])
    return {b"SCAN has no end"}


def random_member(_args, theirs, ours, comparison):
    if (theirs is None) != (ours is None):
        return "one of them is empty"
    for side, name in ((comparison.theirs, theirs), (comparison.ours, ours)):
        if name is not None and side.client.command("EXISTS", name) != 1:
            return f"{name!r} is no key"
    return None


def both_null_or_positive(_args, theirs, ours, _comparison):
    return None if (theirs is None) == (ours is None) and (ours is None or ours > 0) else "null and a size"


INFO_FIELDS = ("redis_version", "tcp_port", "uptime_in_seconds", "connected_clients", "used_memory",
               "maxmemory", "total_connections_received", "total_commands_processed", "keyspace_hits",
               "keyspace_misses", "expired_keys", "evicted_keys", "role")


def info_fields(text):
    return dict(re.findall(rb"^([a-z0-9_]+):(.*?)\r?$", text, re.MULTILINE))


def info(_args, theirs, ours, _comparison):
    """The fields that clients look for, where Redis has them; all lines are of INFO's form."""
    for line in ours.split(b"\r\n"):
        if not re.fullmatch(rb"(# [A-Za-z_]+|[^:]+:.*)?", line):
            return f"no line of INFO: {line!r}"
    their_fields, our_fields = info_fields(theirs), info_fields(ours)
    missing = [name for name in INFO_FIELDS if name.encode() in their_fields
               and name.encode() not in our_fields]
    if missing:
        return f"INFO without {missing}"
    keyspaces = [{name: re.sub(rb",avg_ttl.*", b"", value) for name, value in fields.items()
                  if re.fullmatch(rb"db\d+", name)} for fields in (their_fields, our_fields)]
    return None if keyspaces[0] == keyspaces[1] else f"other keyspaces: {keyspaces}"


def positive(_args, theirs, ours, _comparison):
    return None if isinstance(ours, int) and ours > 0 and isinstance(theirs, int) else "no positive number"


OUR_COMMANDS = set("""
ping echo auth select quit command info config client hello dbsize flushall flushdb get set setnx setex
psetex getset getdel getex mget mset append strlen getrange setrange incr decr incrby decrby incrbyfloat
del unlink exists touch type scan keys randomkey expire pexpire expireat pexpireat ttl pttl expiretime
pexpiretime persist memory substr msetnx rename renamenx copy move object swapdb multi exec discard watch
unwatch time role reset script function
""".split())
TOLD_FLAGS = {b"readonly", b"write", b"denyoom", b"fast", b"admin"}


def is_ours(name):
    """Of a command or a subcommand, as "config|get"."""
    return name.decode().partition("|")[0] in OUR_COMMANDS


def only_here(name):
    """Commands that Redis cannot have."""
    return name.startswith(b"plimsoll.")


def command_info(args, theirs, ours, _comparison):
    """Name, arity, place of the keys, the flags that clients route by; without names, of what we have."""
    if len(args) < 3:
        known = {entry[0]: entry for entry in theirs}
        lacking = OUR_COMMANDS - {entry[0].decode() for entry in ours}
        if lacking:
            return f"not told of: {sorted(lacking)}"
        ours = [entry for entry in ours if not only_here(entry[0])]
        theirs = [known.get(entry[0]) for entry in ours]
    if len(theirs) != len(ours):
        return f"{len(theirs)} and {len(ours)} entries"
    theirs = [entry if entry and is_ours(entry[0]) else None for entry in theirs]
    wrong = (wrong_entry(their, our) for their, our in zip(theirs, ours))
    return next((why for why in wrong if why), None)


def wrong_entry(their, our):
    if their is None or our is None:
        return None if their is our else f"null and an entry: {their or our!r}"
    if their[:2] + their[3:6] != our[:2] + our[3:6]:
        return f"other entry: {their[:6]}, {our[:6]}"
    if set(their[2]) & TOLD_FLAGS != set(our[2]) & TOLD_FLAGS:
        return f"other flags of {our[0]}: {their[2]}, {our[2]}"
    return None


def command_docs(args, theirs, ours, _comparison):
    """A summary in our words; since and group as Redis has them. Without names, of what we have."""
    their_docs, our_docs = pairs(theirs), pairs(ours)
    their_docs = {name: doc for name, doc in their_docs.items() if is_ours(name)}
    our_docs = {name: doc for name, doc in our_docs.items() if not only_here(name)}
    if set(their_docs) != set(our_docs):
        return f"docs of other commands: {sorted(their_docs)}, {sorted(our_docs)}"
    for name, doc in our_docs.items():
        doc, their_doc = pairs(doc), pairs(their_docs[name])
        if not doc.get(b"summary"):
            return f"no summary of {name!r}"
        if any(doc.get(field) != their_doc[field] for field in (b"since", b"group")):
            return f"other docs of {name!r}: {their_doc[b'since']}, {their_doc[b'group']}"
    return None


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def hello(_args, theirs, ours, _comparison):
    """The same fields; server, version, proto, mode and role with the same values."""
    their_fields, our_fields = pairs(theirs), pairs(ours)
    if set(their_fields) != set(our_fields):
        return f"other fields: {sorted(their_fields)}, {sorted(our_fields)}"
    differ = [name for name in (b"proto", b"mode", b"role", b"modules")
              if their_fields.get(name) != our_fields.get(name)]
    return f"other values of {differ}" if differ else None


def client_list(_args, theirs, ours, _comparison):
    """A line a client with the fields that tools read; our own name in it is the same."""
    if not theirs or not ours:
        return None if theirs == ours else "one list is empty"
    for line in ours.rstrip(b"\n").split(b"\n"):
        fields = dict(field.partition(b"=")[::2] for field in line.split(b" "))
        missing = {b"id", b"addr", b"laddr", b"fd", b"name", b"age", b"idle", b"flags", b"db",
                   b"cmd"} - set(fields)
        if missing:
            return f"a client without {sorted(missing)}: {line!r}"
    told = [sorted(re.findall(rb" (?:name|flags|db|multi|resp)=\S*", text)) for text in (theirs, ours)]
    return None if told[0] == told[1] else f"others are told: {told}"


NEEDED_CONFIG = {b"maxmemory", b"maxmemory-policy", b"save", b"appendonly", b"databases"}


def config_get(_args, theirs, ours, _comparison):
    """Pairs; those that tools ask for are there when Redis has them."""
    if len(ours) % 2:
        return "an odd number of elements"
    missing = NEEDED_CONFIG & set(theirs[::2]) - set(ours[::2])
    return f"CONFIG GET without {sorted(missing)}" if missing else None


def encoding(_args, theirs, ours, _comparison):
    """Ours is the shortest that the value has; Redis also remembers how it came to be."""
    kinds = [b"int", b"embstr", b"raw"]
    if theirs not in kinds or ours not in kinds:
        return None if theirs == ours else "no such encoding"
    return None if kinds.index(ours) <= kinds.index(theirs) else "a longer encoding"


def memory_stats(_args, theirs, ours, _comparison):
    """The same fields, but for the databases."""
    names = [[name for name in fields[::2] if not name.startswith(b"db.")] for fields in (theirs, ours)]
    return None if names[0] == names[1] else f"other fields: {set(names[0]) ^ set(names[1])}"


def some_text(_args, theirs, ours, _comparison):
    return None if theirs and ours else "no text"


# --- the table ----------------------------------------------------------------------------------------------

# Command (and subcommand) -> how replies that are not errors are compared, and why not byte for byte.
RULES = {
    "keys": (same_members, "the order is each server's own"),
    "scan": (scan_all, "cursors and the order are each server's own"),
    "randomkey": (random_member, "it is random"), "ttl": (close_numbers(TOLERANCE_SECONDS), "the clock runs"),
    "pttl": (close_numbers(TOLERANCE_SECONDS * 1000), "the clock runs"),
    "expiretime": (expire_time(TOLERANCE_SECONDS), "times given as relative begin when the command is run"),
    "pexpiretime": (expire_time(TOLERANCE_SECONDS * 1000),
                    "times given as relative begin when the command is run"),
    "memory usage": (both_null_or_positive, "sizes are each server's own"),
    "memory stats": (memory_stats, "sizes are each server's own"),
    "memory doctor": (some_text, "advice is each server's own"),
    "memory malloc-stats": (some_text, "allocators are each server's own"),
    "object encoding": (encoding, "Redis remembers how a value came to be"),
    "object idletime": (lambda *replies: None, "ours does not keep it"),
    "object refcount": (positive, "Redis shares small numbers"),
    "info": (info, "its content is each server's own"),
    "hello": (hello, "the client's id and the server's name and version"),
    "client id": (positive, "ids are each server's own"),
    "client list": (client_list, "addresses, ages, buffers; fields of things we do not have"),
    "config get": (config_get, "options are each server's own"),
    "command count": (positive, "we have fewer commands"),
    "command": (command_info, "as COMMAND INFO, for the commands we have"),
    "command info": (command_info, "access lists, key specifications and subcommands are not told"),
    "command docs": (command_docs, "summaries in our own words, arguments are not told"),
}

# Pattern of the command -> (pattern of our reply, reason), whatever Redis replies.
ALLOWED = (
    (rb"(?i)client tracking .*", rb"-ERR .*\r\n", "not there, and says so"),
    (rb"(?i)client setinfo .*", rb"\+OK\r\n|-ERR .*\r\n",
     "Redis has it since 7.2, and clients send it unasked"),
)

GO_ALONE = {"scan", "randomkey", "quit"}  # their rules send more commands, or they end the connection
CONTAINERS = {"memory", "client", "config", "command", "object", "script", "function"}
QUEUED = b"+QUEUED\r\n"


def name_of(args):
    name = args[0].lower().decode("latin-1")
    if name in CONTAINERS and len(args) > 1:
        name += " " + args[1].lower().decode("latin-1")
    return name


def goes_alone(args):
    return name_of(args) in GO_ALONE


def difference(args, theirs, ours, comparison):
    """None when the replies to a command are as they should be; else what is wrong."""
    if theirs.startswith(NO_REPLY):
        return "redis does not reply"
    if theirs == ours and (name_of(args) not in GO_ALONE or theirs == QUEUED):
        return None
    line = b" ".join(args)
    if any(re.fullmatch(command, line, re.DOTALL) and re.fullmatch(reply, ours) for command, reply,
           _ in ALLOWED):
        return None
    rule, _ = RULES.get(name_of(args), (None, None))
    if not rule or b"-" in (theirs[:1], ours[:1]) or theirs[:1] != ours[:1]:
        return None if theirs == ours else "other bytes"
    return rule(args, parse(theirs), parse(ours), comparison)
