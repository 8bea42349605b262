/**
 * Shows Assay's scores beside edits: in recent changes, watchlists, contributions and page histories.
 *
 * Copy it to MediaWiki:Common.js (for all readers of the wiki) or to User:NAME/common.js (for one), and set the
 * address of your server. It is ES5, which is what MediaWiki 1.39 takes from its pages.
 */
( function () {
	'use strict';

	var server = 'https://assay.example.org',
		wiki = mw.config.get( 'wgDBname' ),
		model = 'reverted',
		/* Where it begins to alarm: an operating point of the model, or one of your own. */
		point = 'verylikelybad',
		atOnce = 50;

	/**
	 * The least probability that alarms, as a promise: above it, nine of ten edits were reverted. None when the
	 * model cannot keep that, or does not say.
	 */
	function findAlarming() {
		return get( '/api/' + encodeURIComponent( wiki ) + '/models/' + model + '/thresholds?point=' + point )
			.then( function ( told ) {
				return told.range ? told.range[ 0 ] : Infinity;
			} )
			.catch( function ( error ) {
				mw.log.warn( 'Assay told no threshold: ' + error.message );
				return Infinity;
			} );
	}

	function get( path ) {
		return fetch( server + path ).then( function ( answer ) {
			return answer.ok ? answer.json() : Promise.reject( new Error( 'HTTP ' + answer.status ) );
		} );
	}

	function show( line, cell, alarming ) {
		var mark, share;
		if ( !cell || !cell.score ) {
			return;
		}
		share = cell.score.probability[ 'true' ];
		mark = document.createElement( 'span' );
		mark.className = 'assay-score' + ( share < alarming ? '' : ' assay-alarming' );
		mark.textContent = Math.round( 100 * share ) + '\u00a0%';
		mark.title = 'Probability that this edit will be reverted, by Assay';
		mark.style.cssText = 'margin-left: 1em; padding: 0 0.4em; border-radius: 2px;' +
			( share < alarming ? 'color: #54595d;' : 'color: #fff; background: #b32424;' );
		( line.querySelector( '.mw-changeslist-line-inner, .mw-enhanced-rc-nested' ) || line ).appendChild( mark );
	}

	/** One request after the other: Assay bounds how many a reader may have at once. */
	function ask( waiting, alarming ) {
		var lines = waiting.slice( 0, atOnce ),
			ids = lines.map( function ( line ) {
				return line.getAttribute( 'data-mw-revid' );
			} );
		if ( !lines.length ) {
			return;
		}
		get( '/v3/scores/' + encodeURIComponent( wiki ) + '/?models=' + model + '&revids=' + ids.join( '%7C' ) )
			.then( function ( document ) {
				lines.forEach( function ( line, at ) {
					show( line, document[ wiki ].scores[ ids[ at ] ][ model ], alarming );
				} );
				ask( waiting.slice( atOnce ), alarming );
			} )
			.catch( function ( error ) {
				mw.log.warn( 'Assay gave no scores: ' + error.message );
			} );
	}

	mw.hook( 'wikipage.content' ).add( function ( $content ) {
		var waiting = $content.find( '[data-mw-revid]' ).toArray().filter( function ( line ) {
			return !line.querySelector( '.assay-score' );
		} );
		if ( waiting.length ) {
			findAlarming().then( function ( alarming ) {
				ask( waiting, alarming );
			} );
		}
	} );
}() );
