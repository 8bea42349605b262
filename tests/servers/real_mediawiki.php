<?php
# The settings (LocalSettings.php) of every MediaWiki that tests start. What differs between two of them comes
# from the environment, so that one template and one copy of MediaWiki's files serve all.

$wgSitename = 'Live';
$wgServer = getenv( 'TEST_WIKI_SERVER' );
$wgScriptPath = '';
$wgSecretKey = str_repeat( 'known', 12 );
$wgPingback = false;
$wgEnableEmail = false;
$wgUsePathInfo = false;
$wgDiff3 = '/usr/bin/diff3';
wfLoadSkin( 'Vector' );
$wgDefaultSkin = 'vector';

$wgDBtype = 'sqlite';
$wgDBname = 'livewiki';
$wgSQLiteDataDir = getenv( 'TEST_WIKI_FOLDER' );
$wgCacheDirectory = false;
$wgUploadDirectory = "$wgSQLiteDataDir/images";
$wgLocalisationCacheConf['store'] = 'array';
$wgLocalisationCacheConf['storeDirectory'] = "$wgSQLiteDataDir/languages";

# Shared by the server's processes and gone with them; whoever was logged in logs in again.
$wgMainCacheType = CACHE_ACCEL;
$wgSessionCacheType = CACHE_ACCEL;

# Tests say when jobs run: without chance, and after the edit was answered, as on a wiki with a job runner.
$wgJobRunRate = 0;

# Many edits in a second, by anybody.
$wgRateLimits = [];
$wgGroupPermissions['*']['edit'] = true;
$wgPasswordPolicy['policies']['default'] = [];
$wgAllowUserJs = true;

# As Wikimedia grants them: administrators hide, oversighters suppress, bots are flagged.
$wgGroupPermissions['sysop']['deleterevision'] = true;
$wgGroupPermissions['sysop']['deletelogentry'] = true;
$wgGroupPermissions['sysop']['markbotedits'] = true;
$wgGroupPermissions['sysop']['editcontentmodel'] = true;

$feed = getenv( 'TEST_WIKI_FEED' );
if ( $feed ) {
	$wgRCFeeds['tests'] = [ 'uri' => $feed, 'formatter' => 'JSONRCFeedFormatter' ];
}
# Not by `require`: compiled code is kept, and a file that was changed twice in a second passes for unchanged.
eval( file_get_contents( getenv( 'TEST_WIKI_SETTINGS' ) ) );
