#!/usr/bin/perl
# The container's first process. The toolbox touches the file whenever the server pings it; when nobody did for
# BACKSPACE_ORPHAN_SECONDS the server is gone, and the container ends by itself. In Perl, because it must not start a
# process: a command that uses up all that are allowed would end it, and the sandbox with it.
use strict;
use warnings;

my $lifetime = $ENV{BACKSPACE_ORPHAN_SECONDS} || 300;
my $alive    = time;
while ( time - $alive <= $lifetime ) {
    sleep 5;
    my $touched = ( stat '/tmp/.backspace-alive' )[9] || 0;
    # Somebody who empties /tmp changes nothing, nor does a time in the future.
    $alive = $touched if $touched > $alive && $touched <= time;
}
